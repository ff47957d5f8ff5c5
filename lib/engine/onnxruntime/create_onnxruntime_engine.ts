import { UsageError } from "../../core/mod.ts";
import type { Engine } from "../engine.ts";
import type { Target } from "../trace/graph.ts";
import { WorkerClient, type WorkerEngine, workerEngine } from "../worker_engine.ts";
import { onnxruntimeConvolutions as convolutions } from "./convolutions.ts";
import { encodeOnnx as encode } from "./encode_onnx.ts";
import { findBlockSize } from "./find_block_size.ts";
import { webgpuConvolutions } from "./webgpu_convolutions.ts";
import { webgpuGraph } from "./webgpu_graph.ts";

/** Version of ONNX Runtime, as pinned in deno.json. */
const VERSION = "onnxruntime 1.30.0";

/** Settings of {@linkcode createOnnxruntimeEngine}. */
export interface OnnxruntimeOptions {
  /** Where to compute. @default {"cpu"} */
  readonly device?: "cpu" | "webgpu";
  /** Threads of an operator, on webgpu of those that are left to the processor. @default {the number of cores} */
  readonly threads?: number;
  /** Channels per block of the cpu's internal convolutions, 0 for plain ones. @default {what a probe finds to work} */
  readonly blockSize?: number;
}

/** Whether this thread has an engine on webgpu. */
let webgpuTaken = false;

/**
 * Makes the embedded native engine: a function is traced into an ONNX graph, which ONNX Runtime runs on a thread of its
 * own. Works wherever the npm package does (Linux, macOS, Windows). Of engines on webgpu a process may have one at a time.
 *
 * @param options Device, threads and kind of convolution.
 * @returns The engine; dispose of it, or its thread keeps the process alive.
 * @throws {UsageError} If the device is webgpu and there is none, or another engine has it.
 */
export async function createOnnxruntimeEngine(options: OnnxruntimeOptions = {}): Promise<Engine> {
  const { threads = navigator.hardwareConcurrency } = options;
  return options.device === "webgpu" ? await onWebgpu(threads) : await onCpu(threads, options.blockSize);
}

async function onCpu(threads: number, blockSize?: number): Promise<Engine> {
  const client = startWorker();
  client.send({ kind: "open", threads });
  const withBlocks = (blockSize: number): WorkerEngine =>
    workerEngine(client, { target: { engine: "onnxruntime", convolutions, blockSize }, encode });
  blockSize ??= await findBlockSize((size) => withBlocks(size).compile, (leaf) => withBlocks(0).read(leaf));
  return {
    name: "onnxruntime",
    device: `cpu (${blockSize ? `${blockSize}-wide blocks` : "plain convolutions"}, ${threads} threads)`,
    version: VERSION,
    ...withBlocks(blockSize),
    [Symbol.asyncDispose]: () => client.end("at once"),
  };
}

async function onWebgpu(threads: number): Promise<Engine> {
  // Two threads that run on the provider's GPU at the same time end the process: it keeps one list of commands.
  if (webgpuTaken) {
    throw new UsageError('Cannot open a second engine on the device "webgpu": dispose of the first, or share it');
  }
  webgpuTaken = true;
  const client = startWorker();
  const end = async (how: "at once" | "when closed") => {
    await client.end(how);
    webgpuTaken = false;
  };
  try {
    await client.call({ kind: "open", threads, device: "webgpu" });
  } catch (error) {
    await end("at once");
    throw noGpu(error);
  }
  const target: Target = { engine: "onnxruntime", convolutions: webgpuConvolutions, blockSize: 0 };
  return {
    name: "onnxruntime",
    device: "webgpu",
    version: VERSION,
    ...workerEngine(client, { target, encode: (graph) => encode(webgpuGraph(graph)) }),
    [Symbol.asyncDispose]: () => end("when closed"),
  };
}

function startWorker(): WorkerClient {
  const url = new URL("./worker.ts", import.meta.url);
  return new WorkerClient(new Worker(url, { type: "module", name: "onnxruntime" }));
}

/** That there is no GPU, with the end of the library's message: it begins with a place in its source. */
function noGpu(error: unknown): UsageError {
  const message = error instanceof Error ? error.message : String(error);
  const reason = (/Failed to .*/.exec(message)?.[0] ?? message).trim().replaceAll(/\s+/g, " ");
  const driver = Deno.build.os === "linux" ? "a Vulkan driver, or a newer one" : "the newest driver of the GPU";
  return new UsageError(
    `Cannot use the device "webgpu" with the engine "onnxruntime" as no GPU answered (${reason}): ` +
      `install ${driver}; else use --device cpu`,
  );
}
