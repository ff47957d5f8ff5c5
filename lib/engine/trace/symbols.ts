import { type DType, sizeOf } from "../../core/mod.ts";
import { tf } from "../tensorflow.ts";
import { Graph, type Target } from "./graph.ts";

/**
 * What a tensor is during a trace: a value of the graph, or the promise of one. Broadcasts and scalar factors are kept
 * symbolic as long as possible, since TensorFlow.js's gradients are full of `ones(shape)` and of products with numbers.
 */
export interface Symbol {
  /** Name in the graph; unused where `splat` is set. */
  readonly name: string;
  /** Lengths in memory: each the tensor's own, or 1 where it is still to be broadcast. */
  readonly dims: readonly number[];
  readonly dtype: DType;
  /** Every element is this number. */
  readonly splat?: number;
  /** Factor still to be applied (float32 only). */
  readonly scale: number;
}

/** A tensor as kernels see it. */
export interface TensorInfo {
  readonly dataId: object;
  readonly shape: number[];
  readonly dtype: DType;
}

type Values = Parameters<tf.KernelBackend["write"]>[0];

interface Entry {
  readonly symbol?: Symbol;
  readonly values?: Values;
  references: number;
}

/** Name under which the tracing backend is registered with TensorFlow.js. */
export const TRACE_BACKEND = "kdiga-trace";

let graph: Graph | undefined;

/**
 * Starts a trace and returns its graph; {@linkcode endTrace} must follow.
 *
 * @param target The engine that the graph is for.
 */
export function beginTrace(target: Target): Graph {
  return graph = new Graph(target);
}

/** Ends the trace. */
export function endTrace(): void {
  graph = undefined;
}

/** The graph of the running trace. */
export function currentGraph(): Graph {
  if (!graph) {
    throw new TypeError("Cannot use a traced tensor outside its program: return it and use the value that comes back");
  }
  return graph;
}

/** The backend whose tensors are symbols: it stores, never computes. */
class TraceBackend extends tf.KernelBackend {
  readonly data = new tf.DataStorage<Entry>(this, tf.engine());

  override write(values: Values): object {
    const dataId = {};
    this.data.set(dataId, { values, references: 1 });
    return dataId;
  }
  override move(dataId: object, values: Values, _shape: number[], _dtype: string, references: number): void {
    this.data.set(dataId, { values, references });
  }
  // deno-lint-ignore no-explicit-any
  override readSync(dataId: object): any {
    const entry = this.data.get(dataId);
    if (entry.symbol) {
      throw new TypeError(
        `Cannot read the value of a traced tensor (${askedFrom()}): compute with it in the graph, or read the output of the program`,
      );
    }
    return entry.values;
  }
  // deno-lint-ignore no-explicit-any
  override read(dataId: object): Promise<any> {
    return Promise.resolve(this.readSync(dataId));
  }
  override refCount(dataId: object): number {
    return this.data.has(dataId) ? this.data.get(dataId).references : 0;
  }
  override incRef(dataId: object): void {
    this.data.get(dataId).references++;
  }
  override disposeData(dataId: object, force = false): boolean {
    if (!this.data.has(dataId)) return true;
    const entry = this.data.get(dataId);
    entry.references--;
    if (!force && entry.references > 0) return false;
    this.data.delete(dataId);
    return true;
  }
  override numDataIds(): number {
    return this.data.numDataIds();
  }
  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }
  override floatPrecision(): 32 {
    return 32;
  }
  override epsilon(): number {
    return 1e-7;
  }
  override timerAvailable(): boolean {
    return false;
  }
  override dispose(): void {}
}

const backend = new TraceBackend();
tf.registerBackend(TRACE_BACKEND, () => backend);

/** The backend, for making tensors from symbols. */
export { backend as traceBackend };

/** Factors beyond this, or below its inverse, are applied at once: their products and quotients could overflow. */
const LARGEST_FACTOR = 2 ** 24;

/** Makes a tensor of a symbol. */
export function toTensorInfo(given: Symbol, shape: readonly number[], dtype: DType = given.dtype): TensorInfo {
  const size = Math.abs(given.scale);
  const extreme = size > LARGEST_FACTOR || size < 1 / LARGEST_FACTOR;
  const symbol = extreme ? { ...given, name: nameOf(given), scale: 1 } : given;
  if (symbol.splat === undefined) graph?.remember(symbol.name, sizeOf(symbol.dims));
  const dataId = {};
  backend.data.set(dataId, { symbol: symbol.dtype === dtype ? symbol : { ...symbol, dtype }, references: 1 });
  return { dataId, shape: [...shape], dtype };
}

/** The symbol of a tensor; an array that was captured becomes a constant of the graph. */
export function toSymbol(tensor: TensorInfo): Symbol {
  const entry = backend.data.get(tensor.dataId);
  if (entry.symbol) return entry.symbol;
  const { dtype, shape } = tensor;
  const values = entry.values as ArrayLike<number>;
  if (values.length > 0 && allEqual(values)) return splat(Number(values[0]), shape, dtype);
  const data = dtype === "float32"
    ? Float32Array.from(values)
    : dtype === "int32"
    ? Int32Array.from(values)
    : Uint8Array.from(values);
  return { name: currentGraph().constant(dtype, shape, data), dims: [...shape], dtype, scale: 1 };
}

/** A symbol all of whose elements are one number. */
export function splat(value: number, shape: readonly number[], dtype: DType): Symbol {
  return { name: "", dims: shape.map(() => 1), dtype, splat: value, scale: 1 };
}

/** Name of the symbol's value with its factor applied, still to be broadcast. */
export function nameOf(symbol: Symbol): string {
  // Of the symbol's rank, not a scalar: the rank of a result is that of its operands.
  if (symbol.splat !== undefined) return currentGraph().filled(symbol.splat, symbol.dims, symbol.dtype);
  return currentGraph().scaled(symbol.name, symbol.scale);
}

/** Name of the symbol's value, broadcast to its shape, and the factor that is still to be applied to it. */
export function unscaled(tensor: TensorInfo): { name: string; scale: number } {
  const symbol = toSymbol(tensor);
  if (symbol.splat !== undefined) return { name: materialized(symbol, tensor.shape), scale: 1 };
  return { name: materialized({ ...symbol, scale: 1 }, tensor.shape), scale: symbol.scale };
}

/** Name of the symbol's value, factor and broadcast applied. */
export function materialized(symbol: Symbol, shape: readonly number[]): string {
  const name = nameOf(symbol);
  if (symbol.splat === undefined && sameShape(symbol.dims, shape)) return name;
  return currentGraph().node("Expand", [name, currentGraph().shape(shape)]);
}

/** Whether two shapes are equal. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis]);
}

/** Where in the code outside this room and TensorFlow.js the present call came from: "file.ts:12". */
export function askedFrom(): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 200;
  const frames = new Error().stack?.split("\n").slice(1) ?? [];
  Error.stackTraceLimit = limit;
  const frame = frames.find((line) => /file:\/\//.test(line) && !/\/lib\/engine\/|\/npm\//.test(line));
  const place = frame?.match(/([^/\s(]+\.ts:\d+)/)?.[1];
  return place ? `asked for at ${place}` : "asked for by TensorFlow.js";
}

function allEqual(values: ArrayLike<number>): boolean {
  for (let index = 1; index < values.length; index++) if (values[index] !== values[0]) return false;
  return true;
}
