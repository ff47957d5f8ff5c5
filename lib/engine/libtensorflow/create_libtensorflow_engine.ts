import { UsageError } from "../../core/mod.ts";
import type { DeviceName, Engine } from "../engine.ts";
import type { Target } from "../trace/graph.ts";
import { WorkerClient, workerEngine } from "../worker_engine.ts";
import { tensorflowConvolutions as convolutions } from "./convolutions.ts";
import { encodeGraphDef as encode } from "./encode_graph_def.ts";
import { tensorflowMaxPool } from "./max_pool.ts";

/** Settings of {@linkcode createLibtensorflowEngine}. */
export interface LibtensorflowOptions {
  /** Threads of an operator. @default {the number of cores} */
  readonly threads?: number;
  /** Where to compute. @default {the first GPU that the library lists, else the processor} */
  readonly device?: DeviceName;
}

const TARGET: Target = { engine: "tensorflow", convolutions, blockSize: 0 };
/** Of an x86 processor, for which TensorFlow has oneDNN; without it, its max-pooling is slower than elementary operators. */
const X86: Target = { ...TARGET, maxPool: tensorflowMaxPool };

/**
 * Makes the engine on libtensorflow: a function is traced into a graph, which becomes one TensorFlow function, run on a
 * thread of its own.
 *
 * @param library Path of `libtensorflow_cc`; `libtensorflow_framework` must lie beside it.
 * @param options Threads and device.
 * @returns The engine; dispose of it, or its thread keeps the process alive.
 * @throws {UsageError} If the library lists no such device.
 * @throws {Error} If the library cannot be loaded, in the system's words.
 */
export async function createLibtensorflowEngine(library: string, options: LibtensorflowOptions = {}): Promise<Engine> {
  const { threads = navigator.hardwareConcurrency, device: asked } = options;
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "tensorflow" });
  const client = new WorkerClient(worker);
  try {
    const where = asked === undefined ? {} : { device: asked };
    const { version, device } = await client.call({ kind: "open", threads, library, ...where });
    if (asked !== undefined && device !== asked) {
      await client.end("when closed");
      throw new UsageError(
        `Cannot use the device "${asked}" with the engine "tensorflow" as ${library} lists none: ` +
          "use a library built for GPUs (TENSORFLOW_LIBRARY) and their driver, or --device cpu",
      );
    }
    const target = device === "cpu" && Deno.build.arch === "x86_64" ? X86 : TARGET;
    return {
      name: "tensorflow",
      device: device === "cpu" ? `cpu (${threads} threads)` : device!,
      version: `libtensorflow ${version}`,
      ...workerEngine(client, { target, encode }),
      [Symbol.asyncDispose]: () => client.end("when closed"),
    };
  } catch (error) {
    await client.end("at once");
    throw error;
  }
}
