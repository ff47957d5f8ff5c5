import { fileURLToPath } from "node:url";
import { decodeSafetensors } from "../mod.ts";
import type { Numbers, StepName } from "./_bench_steps.ts";
import { startPython } from "./_python.ts";

/** How PyTorch lays images and filters out in memory. */
export type MemoryFormat = "contiguous" | "channels_last";

/** Both of them. */
export const MEMORY_FORMATS: readonly MemoryFormat[] = ["contiguous", "channels_last"];

/** What the peer is. */
export interface PeerInfo {
  /** Version of PyTorch. */
  readonly version: string;
  /** Version of Python. */
  readonly python: string;
  /** Threads of an operator. */
  readonly threads: number;
}

/** Memory of a process in bytes; null where the system does not tell. */
export interface ProcessMemory {
  /** Resident now. */
  readonly residentBytes: number | null;
  /** The most that was resident so far. */
  readonly peakBytes: number | null;
}

/** A process that runs the same steps in PyTorch, one request at a time. */
export interface Peer extends AsyncDisposable {
  /** What it is. */
  readonly info: PeerInfo;
  /** Loads a case, once per format. */
  readonly open: (path: string, formats: readonly MemoryFormat[]) => Promise<void>;
  /** Runs a step of the open case; its time, ms. Its weights do not move: the learning rate is 0. */
  readonly run: (step: StepName, format: MemoryFormat) => Promise<number>;
  /** Runs a step once from the weights of a case, and reads what it gave; `into` is the file between. */
  readonly check: (path: string, step: StepName, format: MemoryFormat, into: string) => Promise<Numbers>;
  /** Memory of the process. */
  readonly memory: () => Promise<ProcessMemory>;
}

const SCRIPT = fileURLToPath(new URL("./_bench_peer.py", import.meta.url));

/**
 * Starts the peer.
 *
 * @param python Path of a Python with torch.
 * @param threads Threads of an operator.
 * @throws {UsageError} If there is no such program.
 * @throws {DataError} If it does not answer, or says that a request failed.
 */
export async function startPeer(python: string, threads: number): Promise<Peer> {
  const { hello, ask, [Symbol.asyncDispose]: end } = await startPython<PeerInfo>(
    python,
    [SCRIPT, String(threads)],
    "give --peer a Python with torch 2",
  );
  return {
    info: hello,
    open: async (path, formats) => void await ask({ do: "open", path, formats }),
    run: async (step, format) => (await ask<{ readonly ms: number }>({ do: "run", step, format })).ms,
    check: async (path, step, format, into) => {
      await ask({ do: "check", path, step, format, into });
      return decodeSafetensors(await Deno.readFile(into)).tensors;
    },
    memory: () => ask<ProcessMemory>({ do: "memory" }),
    [Symbol.asyncDispose]: end,
  };
}
