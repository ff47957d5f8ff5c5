import { type DType, type NdArray, sizeOf } from "../../core/mod.ts";
import type { CompileOptions, Engine, Leaf, Program, ProgramStats, Value } from "../engine.ts";
import { flatten, isLeaf } from "../tree.ts";
import { findBlockSize } from "./find_block_size.ts";
import { type Feed, type Reply, type Request, UNANSWERED } from "./protocol.ts";
import { type Trace, trace } from "./trace.ts";

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
  const client = new WorkerClient();
  const compile = (blockSize: number) => <I, O>(fn: (inputs: I) => O, { name }: CompileOptions = {}): Program<I, O> =>
    makeProgram(client, fn, { name: name ?? (fn.name || "anonymous"), blockSize, threads });
  const read = async (leaf: Leaf): Promise<NdArray> => {
    if (!(leaf instanceof OnnxValue)) return leaf as NdArray;
    leaf.assertAlive();
    const { dtype, shape } = leaf;
    const data = leaf.small?.slice() ?? (await client.call({ kind: "read", value: leaf.id })).data;
    return { dtype, shape, data } as NdArray;
  };
  const blockSize = options.blockSize ?? await findBlockSize(compile, read);
  return {
    name: "onnxruntime",
    device: `cpu (${blockSize ? `${blockSize}-wide blocks` : "plain convolutions"}, ${threads} threads)`,
    version: VERSION,
    compile: compile(blockSize),
    put: (array) => {
      checkArray(array);
      const value = new OnnxValue(client, array.dtype, array.shape);
      client.send({ kind: "put", value: value.id, array: compact(array) });
      return value;
    },
    read,
    [Symbol.asyncDispose]: () => {
      client.terminate();
      return Promise.resolve();
    },
  };
}

/** The engine's side of its worker. */
class WorkerClient {
  readonly #worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "onnxruntime" });
  readonly #waiting = new Map<number, { resolve: (reply: Reply) => void; reject: (error: Error) => void }>();
  readonly #freed: number[] = [];
  #calls = 0;
  #ids = 0;
  #ended = false;

  constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<Reply>) => {
      const waiting = this.#waiting.get(data.call);
      this.#waiting.delete(data.call);
      if (data.error === undefined) waiting?.resolve(data);
      else waiting?.reject(new Error(data.error));
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(new Error(`Cannot go on as the engine's thread failed: ${event.message}`));
    };
  }

  /** A number for a new value or session. */
  nextId(): number {
    return this.#ids++;
  }

  /** Sends a request and waits for its reply. */
  call(request: Request): Promise<Reply> {
    if (this.#ended) return Promise.reject(new ReferenceError("Cannot use an engine after it was disposed of"));
    const call = this.#calls++;
    const reply = new Promise<Reply>((resolve, reject) => this.#waiting.set(call, { resolve, reject }));
    this.#worker.postMessage({ call, request });
    return reply;
  }

  /** Sends a request whose reply nobody waits for. */
  send(request: Request): void {
    if (!this.#ended) this.#worker.postMessage({ call: UNANSWERED, request });
  }

  /** Gives a value back: those of one turn of the event loop go in one message, as a training step frees hundreds. */
  free(value: number): void {
    if (this.#freed.push(value) > 1) return;
    queueMicrotask(() => this.send({ kind: "free", values: this.#freed.splice(0) }));
  }

  terminate(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#worker.terminate();
    this.#fail(new ReferenceError("Cannot finish as the engine was disposed of"));
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

class OnnxValue implements Value {
  readonly id: number;
  readonly #client: WorkerClient;
  #disposed = false;
  /** The elements, where they came with the reply. */
  small?: NdArray["data"];

  constructor(client: WorkerClient, readonly dtype: DType, readonly shape: readonly number[]) {
    this.#client = client;
    this.id = client.nextId();
  }

  assertAlive(): void {
    if (this.#disposed) throw new ReferenceError("Cannot use a value after it was disposed of");
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#client.free(this.id);
  }
}

interface Compiled {
  readonly trace: Trace;
  readonly session: number;
  readonly stats: ProgramStats;
}

function makeProgram<I, O>(
  client: WorkerClient,
  fn: (inputs: I) => O,
  { name, blockSize, threads }: { readonly name: string; readonly blockSize: number; readonly threads: number },
): Program<I, O> {
  const bySignature = new Map<string, Promise<Compiled>>();
  const stats: ProgramStats[] = [];
  const compile = async (signature: string, inputs: unknown): Promise<Compiled> => {
    const start = performance.now();
    const traced = trace(fn as (inputs: unknown) => unknown, inputs, { name, blockSize });
    const afterTrace = performance.now();
    const session = client.nextId();
    await client.call({ kind: "compile", session, bytes: traced.bytes, threads });
    const { nodes, flops } = traced;
    const times = { traceMs: afterTrace - start, sessionMs: performance.now() - afterTrace };
    const made = { trace: traced, session, stats: { signature, ...times, nodes, flops } };
    stats.push(made.stats);
    return made;
  };
  const run = async (inputs: unknown): Promise<unknown> => {
    const leaves = flatten(inputs, isLeaf);
    const signature = leaves.map(([path, { dtype, shape }]) => `${path}:${dtype}[${shape}]`).join(" ");
    let compiled = bySignature.get(signature);
    if (!compiled) {
      bySignature.set(signature, compiled = compile(signature, inputs));
      compiled.catch(() => bySignature.delete(signature));
    }
    const { trace: traced, session } = await compiled;
    const feeds: Feed[] = [];
    leaves.forEach(([path, leaf], index) => {
      const input = traced.inputs[index];
      if (input !== undefined) feeds.push({ name: input, ...feedOf(leaf, path) });
    });
    const values = traced.outputs.map(({ dtype, shape }) => new OnnxValue(client, dtype as DType, shape));
    const fetches = traced.outputs.map(({ name, shape }, index) => {
      const { dtype, id } = values[index]!;
      return { name, dtype, shape, value: id };
    });
    const { small } = await client.call({ kind: "run", session, feeds, fetches });
    const byId = new Map(small);
    for (const value of values) {
      const data = byId.get(value.id);
      if (data) value.small = data;
    }
    return traced.toTree(values);
  };
  const program = (inputs: unknown) =>
    run(inputs).catch((error: Error) => {
      error.message = `${error.message} (in the program "${name}")`;
      throw error;
    });
  return Object.assign(program, {
    stats,
    dispose: () => {
      for (const compiled of bySignature.values()) {
        compiled.then(({ session }) => client.send({ kind: "release", session }), () => {});
      }
      bySignature.clear();
      stats.length = 0;
    },
  }) as unknown as Program<I, O>;
}

function feedOf(leaf: Leaf, path: string): { array: NdArray } | { value: number } {
  if (leaf instanceof OnnxValue) {
    leaf.assertAlive();
    return { value: leaf.id };
  }
  if (!("data" in leaf)) throw new TypeError(`Cannot use the value at "${path}" as it belongs to another engine`);
  checkArray(leaf);
  return { array: compact(leaf) };
}

function checkArray({ shape, data }: NdArray): void {
  if (data.length !== sizeOf(shape)) {
    throw new TypeError(`Cannot use an array of ${data.length} elements as shape [${shape}]`);
  }
}

/** The array in a buffer of its own: a view is sent with all of the buffer behind it. */
function compact(array: NdArray): NdArray {
  const { data } = array;
  return data.byteLength === data.buffer.byteLength ? array : { ...array, data: data.slice() } as NdArray;
}
