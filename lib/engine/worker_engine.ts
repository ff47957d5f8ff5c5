import { type DType, type NdArray, sizeOf } from "../core/mod.ts";
import type { CompileOptions, Engine, Leaf, Program, ProgramStats, Value } from "./engine.ts";
import { type Feed, type Reply, type Request, UNANSWERED } from "./protocol.ts";
import { refusePromises } from "./refuse_promises.ts";
import { isInput, isStatic, signatureOf } from "./signature.ts";
import type { LiveGraph, Target } from "./trace/graph.ts";
import { type Trace, trace } from "./trace/trace.ts";
import { flatten, isLeaf, mapTree } from "./tree.ts";

/** How an engine's programs are written. */
export interface GraphLanguage {
  /** The engine that graphs are traced for. */
  readonly target: Target;
  /** Writes a graph as the worker's library reads it. */
  readonly encode: (graph: LiveGraph) => Uint8Array<ArrayBuffer>;
}

/** The members of an engine whose library runs on a worker: functions are traced here and run there. */
export type WorkerEngine = Pick<Engine, "compile" | "put" | "read">;

/**
 * Makes the members of an engine that runs on a worker, where values live between calls.
 *
 * @param client The worker.
 * @param language How programs are written.
 * @returns compile, put and read.
 */
export function workerEngine(client: WorkerClient, language: GraphLanguage): WorkerEngine {
  return {
    compile: <I, O>(fn: (inputs: I) => O, { name }: CompileOptions = {}): Program<I, O> =>
      makeProgram(client, fn, name ?? (fn.name || "anonymous"), language),
    put: (array) => {
      checkArray(array);
      const value = new WorkerValue(client, array.dtype, array.shape);
      client.send({ kind: "put", value: value.id, array: compact(array) });
      return value;
    },
    read: async (leaf) => {
      if (!(leaf instanceof WorkerValue)) return leaf as NdArray;
      leaf.assertAlive();
      const { dtype, shape } = leaf;
      const data = leaf.small?.slice() ?? (await client.call({ kind: "read", value: leaf.id })).data;
      return { dtype, shape, data } as NdArray;
    },
  };
}

/** The engine's side of its worker. */
export class WorkerClient {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve: (reply: Reply) => void; reject: (error: Error) => void }>();
  readonly #freed: number[] = [];
  #calls = 0;
  #ids = 0;
  #ended = false;

  /** @param worker A worker that answers with {@linkcode serveRequests}; it belongs to the client. */
  constructor(worker: Worker) {
    this.#worker = worker;
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

  /** Ends the worker: at once, or when it has given its memory back. */
  async end(how: "at once" | "when closed"): Promise<void> {
    if (this.#ended) return;
    const closed = how === "when closed" ? this.call({ kind: "close" }) : undefined;
    this.#ended = true;
    const closing = this.#calls - 1;
    this.#fail(new ReferenceError("Cannot finish as the engine was disposed of"), closed && closing);
    await closed?.catch(() => {});
    this.#worker.terminate();
  }

  #fail(error: Error, except?: number): void {
    for (const [call, { reject }] of this.#waiting) {
      if (call === except) continue;
      this.#waiting.delete(call);
      reject(error);
    }
  }
}

class WorkerValue implements Value {
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
  name: string,
  { target, encode }: GraphLanguage,
): Program<I, O> {
  const bySignature = new Map<string, Promise<Compiled>>();
  const stats: ProgramStats[] = [];
  const compile = async (signature: string, inputs: unknown, leaves: readonly Leaf[]): Promise<Compiled> => {
    const start = performance.now();
    const body = (tensors: unknown): unknown => {
      let next = 0;
      const leaf = () => (tensors as unknown[])[next++];
      const outputs = fn(mapTree(inputs, isInput, (node) => isStatic(node) ? node : leaf()) as I);
      refusePromises(name, outputs);
      return outputs;
    };
    const traced = trace(body, leaves, { name, target });
    const afterTrace = performance.now();
    const session = client.nextId();
    const inputNames = traced.inputs.filter((input) => input !== undefined);
    const outputs = traced.outputs.map((output) => ({ ...output, dtype: output.dtype as DType }));
    const bytes = encode(traced.graph);
    await client.call({ kind: "compile", session, name, bytes, inputs: inputNames, outputs });
    const { graph: { nodes: { length: nodes } }, flops } = traced;
    const times = { traceMs: afterTrace - start, sessionMs: performance.now() - afterTrace };
    const made = { trace: traced, session, stats: { signature, ...times, nodes, flops } };
    stats.push(made.stats);
    return made;
  };
  const run = async (inputs: unknown): Promise<unknown> => {
    const leaves = flatten(inputs, isInput).filter((entry): entry is [string, Leaf] => isLeaf(entry[1]));
    const signature = signatureOf(inputs);
    let compiled = bySignature.get(signature);
    if (!compiled) {
      bySignature.set(signature, compiled = compile(signature, inputs, leaves.map(([, leaf]) => leaf)));
      compiled.catch(() => bySignature.delete(signature));
    }
    const { trace: traced, session } = await compiled;
    const feeds: Feed[] = [];
    leaves.forEach(([path, leaf], index) => {
      const input = traced.inputs[index];
      if (input !== undefined) feeds.push({ name: input, ...feedOf(leaf, path) });
    });
    const values = traced.outputs.map(({ dtype, shape }) => new WorkerValue(client, dtype as DType, shape));
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
  if (leaf instanceof WorkerValue) {
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
