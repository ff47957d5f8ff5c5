import type { Engine } from "../engine.ts";
import { WorkerClient, type WorkerEngine, workerEngine } from "../worker_engine.ts";
import { onnxruntimeConvolutions as convolutions } from "./convolutions.ts";
import { encodeOnnx as encode } from "./encode_onnx.ts";
import { findBlockSize } from "./find_block_size.ts";

/** Version of ONNX Runtime, as pinned in deno.json. */
const VERSION = "onnxruntime 1.30.0";

/** Settings of {@linkcode createOnnxruntimeEngine}. */
export interface OnnxruntimeOptions {
  /** Threads of a program. @default {the number of cores} */
  readonly threads?: number;
  /** Channels per block of the internal convolutions, 0 for plain ones. @default {what a probe finds to work} */
  readonly blockSize?: number;
}

/**
 * Makes the embedded native engine: a function is traced into an ONNX graph, which ONNX Runtime runs on a thread of its
 * own. Works wherever the npm package does (Linux, macOS, Windows), CPU only.
 *
 * @param options Threads and kind of convolution.
 * @returns The engine; dispose of it, or its thread keeps the process alive.
 */
export async function createOnnxruntimeEngine(options: OnnxruntimeOptions = {}): Promise<Engine> {
  const threads = options.threads ?? navigator.hardwareConcurrency;
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "onnxruntime" });
  const client = new WorkerClient(worker);
  client.send({ kind: "open", threads });
  const withBlocks = (blockSize: number): WorkerEngine =>
    workerEngine(client, { target: { engine: "onnxruntime", convolutions, blockSize }, encode });
  const blockSize = options.blockSize ??
    await findBlockSize((size) => withBlocks(size).compile, (leaf) => withBlocks(0).read(leaf));
  return {
    name: "onnxruntime",
    device: `cpu (${blockSize ? `${blockSize}-wide blocks` : "plain convolutions"}, ${threads} threads)`,
    version: VERSION,
    ...withBlocks(blockSize),
    [Symbol.asyncDispose]: () => client.end("at once"),
  };
}
