import type { Engine } from "../engine.ts";
import type { Target } from "../trace/graph.ts";
import { WorkerClient, workerEngine } from "../worker_engine.ts";
import { tensorflowConvolutions as convolutions } from "./convolutions.ts";
import { encodeGraphDef as encode } from "./encode_graph_def.ts";

/** Settings of {@linkcode createLibtensorflowEngine}. */
export interface LibtensorflowOptions {
  /** Threads of an operator. @default {the number of cores} */
  readonly threads?: number;
}

const TARGET: Target = { engine: "tensorflow", convolutions, blockSize: 0 };

/**
 * Makes the engine on libtensorflow: a function is traced into a graph, which becomes one TensorFlow function, run on a
 * thread of its own.
 *
 * @param library Path of `libtensorflow_cc`; `libtensorflow_framework` must lie beside it.
 * @param options Threads.
 * @returns The engine; dispose of it, or its thread keeps the process alive.
 * @throws {Error} If the library cannot be loaded, in the system's words.
 */
export async function createLibtensorflowEngine(library: string, options: LibtensorflowOptions = {}): Promise<Engine> {
  const threads = options.threads ?? navigator.hardwareConcurrency;
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "tensorflow" });
  const client = new WorkerClient(worker);
  try {
    const { version, device } = await client.call({ kind: "open", threads, library });
    return {
      name: "tensorflow",
      device: device === "cpu" ? `cpu (${threads} threads)` : device!,
      version: `libtensorflow ${version}`,
      ...workerEngine(client, { target: TARGET, encode }),
      [Symbol.asyncDispose]: () => client.end("when closed"),
    };
  } catch (error) {
    await client.end("at once");
    throw error;
  }
}
