import { fileURLToPath } from "node:url";
import { DataError, type DeviceChoice, type EngineChoice } from "../mod.ts";
import { type BenchCase, encodeCase } from "./_bench_arrays.ts";
import { THREADS } from "./_bench_machine.ts";
import { MEMORY_FORMATS, type MemoryFormat, type ProcessMemory, startPeer } from "./_bench_peer.ts";
import { type StepName, stepParts } from "./_bench_steps.ts";

/** Memory that a step needs. */
export interface MemoryRow {
  /** What was called. */
  readonly step: StepName;
  /** Width of the network. */
  readonly width: number;
  /** Batch size. */
  readonly batch: number;
  /** Name of the engine. */
  readonly engine: string;
  /** The most memory that was resident in a process that did this step alone, MiB; null where it is not known. */
  readonly peakMiB: number | null;
  /** What was resident there before the first call: runtime, library, weights, MiB. */
  readonly baseMiB: number | null;
  /** The same of the peer, in its memory format of the lower peak. */
  readonly peerPeakMiB: number | null;
  /** The same of the peer, in that format. */
  readonly peerBaseMiB: number | null;
  /** That format. */
  readonly peerFormat: MemoryFormat | null;
}

/** Before the first call, and the peak after the last one. */
export interface StepMemory {
  /** Resident before the first call, bytes. */
  readonly baseBytes: number | null;
  /** The most that was resident, bytes. */
  readonly peakBytes: number | null;
}

/** Calls in a process: the first traces and makes the session, the others have another's outputs to give back. */
export const MEMORY_CALLS = 3;

const CHILD = fileURLToPath(new URL("./_bench_memory_child.ts", import.meta.url));

/** What the memory child is told, as JSON. */
export interface MemoryTask {
  /** The engine. */
  readonly engine: EngineChoice;
  /** Where it computes. */
  readonly device: DeviceChoice;
  /** The case. */
  readonly one: BenchCase;
  /** The step. */
  readonly step: StepName;
}

/**
 * Measures the memory of a step, each program in a process of its own.
 *
 * @param task What to run.
 * @param compared The peer's Python, and a folder to hand it files in.
 * @throws {DataError} If a process fails.
 */
export async function stepMemory(
  task: MemoryTask,
  compared?: { readonly python: string; readonly folder: string },
): Promise<Omit<MemoryRow, "engine">> {
  const { one: { width, batch }, step } = task;
  const own = await ownMemory(task);
  const peer = compared && await peerMemory(task, compared.python, compared.folder);
  return {
    step,
    width,
    batch,
    peakMiB: mebibytes(own.peakBytes),
    baseMiB: mebibytes(own.baseBytes),
    peerPeakMiB: mebibytes(peer?.peakBytes),
    peerBaseMiB: mebibytes(peer?.baseBytes),
    peerFormat: peer?.format ?? null,
  };
}

/** It may do everything, which Deno asks of who reads /proc. */
async function ownMemory(task: MemoryTask): Promise<StepMemory> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--allow-all", CHILD, JSON.stringify(task)],
  });
  const { success, stdout, stderr } = await command.output();
  if (success) return JSON.parse(new TextDecoder().decode(stdout));
  const last = new TextDecoder().decode(stderr).trimEnd().split("\n").at(-1);
  throw new DataError(`Cannot measure the memory of "${task.step}" as its process ended (${last}): leave out --memory`);
}

async function peerMemory({ one, step }: MemoryTask, python: string, folder: string) {
  const path = `${folder}/case.safetensors`;
  await Deno.writeFile(path, encodeCase(one, stepParts([step])));
  const found: (StepMemory & { readonly format: MemoryFormat })[] = [];
  for (const format of MEMORY_FORMATS) {
    await using peer = await startPeer(python, THREADS);
    await peer.open(path, [format]);
    const before: ProcessMemory = await peer.memory();
    for (let i = 0; i < MEMORY_CALLS; i++) await peer.run(step, format);
    const { peakBytes } = await peer.memory();
    found.push({ format, baseBytes: before.residentBytes, peakBytes });
  }
  return found.toSorted((a, b) => (a.peakBytes ?? 0) - (b.peakBytes ?? 0))[0]!;
}

function mebibytes(bytes: number | null | undefined): number | null {
  return bytes === null || bytes === undefined ? null : Math.round(bytes / 2 ** 20);
}
