import { type DType, sizeOf } from "../../core/mod.ts";
import { type GeluAttributes, geluGradOf, geluOf } from "../gelu_kernels.ts";
import { type Tensor, tf } from "../tensorflow.ts";
import { batchNormKernels } from "./batch_norm.ts";
import { convolutionKernels } from "./convolutions.ts";
import { MICROSOFT } from "./graph.ts";
import { layerNormKernels } from "./layer_norm.ts";
import { maxPoolKernels } from "./max_pool.ts";
import {
  askedFrom,
  currentGraph,
  materialized,
  nameOf,
  sameShape,
  splat,
  type Symbol,
  type TensorInfo,
  toSymbol,
  toTensorInfo,
  TRACE_BACKEND,
  unscaled,
} from "./symbols.ts";

/** Inputs of a kernel by name. */
export type Inputs = Readonly<Record<string, TensorInfo>>;
/** Attributes of a kernel by name, as TensorFlow.js passes them. */
// deno-lint-ignore no-explicit-any
export type Attributes = Readonly<Record<string, any>>;
/** Writes a TensorFlow.js kernel into the graph. */
export type TraceKernel = (inputs: Inputs, attributes: Attributes) => TensorInfo | TensorInfo[];

const NUMERIC_BINARY: Readonly<Record<string, string>> = {
  Add: "Add",
  Sub: "Sub",
  Multiply: "Mul",
  RealDiv: "Div",
  Maximum: "Max",
  Minimum: "Min",
  Pow: "Pow",
};
const LOGICAL_BINARY: Readonly<Record<string, string>> = {
  Greater: "Greater",
  GreaterEqual: "GreaterOrEqual",
  Less: "Less",
  LessEqual: "LessOrEqual",
  Equal: "Equal",
  LogicalAnd: "And",
  LogicalOr: "Or",
};
const UNARY: Readonly<Record<string, string>> = {
  Sqrt: "Sqrt",
  Exp: "Exp",
  Log: "Log",
  Abs: "Abs",
  Reciprocal: "Reciprocal",
  Sigmoid: "Sigmoid",
  Tanh: "Tanh",
  Sign: "Sign",
  Softplus: "Softplus",
  Erf: "Erf",
  Floor: "Floor",
  Ceil: "Ceil",
};
const FOLD: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Max: Math.max,
  Min: Math.min,
};
const ONNX_CAST: { readonly [K in DType]: number } = { float32: 1, int32: 6, bool: 9 };

const node = (op: string, inputs: string[], attributes = {}) => currentGraph().node(op, inputs, attributes);

/** A symbol with leading axes of length 1 put before its own, up to a rank. */
function withRank(symbol: Symbol, rank: number): Symbol {
  const dims = [...Array<number>(rank - symbol.dims.length).fill(1), ...symbol.dims];
  if (symbol.splat !== undefined || dims.length === symbol.dims.length) return { ...symbol, dims };
  return { ...symbol, dims, name: currentGraph().reshape(symbol.name, dims) };
}

function binary(op: string, x: TensorInfo, y: TensorInfo, dtype: DType = x.dtype): TensorInfo {
  const shape = tf.backend_util.assertAndGetBroadcastShape(x.shape, y.shape);
  const a = toSymbol(x);
  const b = toSymbol(y);
  const fold = FOLD[op];
  if (fold && a.splat !== undefined && b.splat !== undefined && dtype === "float32") {
    return toTensorInfo(splat(Math.fround(fold(a.splat, b.splat)), shape, dtype), shape);
  }
  // One side alone, broadcast to the result's shape when it is needed.
  const keep = (symbol: Symbol, factor = 1) =>
    toTensorInfo({ ...withRank(symbol, shape.length), scale: symbol.scale * factor }, shape);
  if (op === "Mul" && (a.splat === 0 || b.splat === 0)) return toTensorInfo(splat(0, shape, dtype), shape);
  if ((op === "Add" || op === "Sub") && b.splat === 0 || (op === "Mul" || op === "Div") && b.splat === 1) {
    return keep(a);
  }
  if (op === "Add" && a.splat === 0 || op === "Mul" && a.splat === 1) return keep(b);
  if (dtype === "float32") {
    if (op === "Mul" && a.splat !== undefined) return keep(b, a.splat);
    if (op === "Mul" && b.splat !== undefined) return keep(a, b.splat);
    if (op === "Div" && b.splat !== undefined) return keep(a, 1 / b.splat);
  }
  const made = (left: Symbol, right: Symbol, scale: number, kind = op): TensorInfo => {
    const rank = shape.length;
    const at = (symbol: Symbol, axis: number) => symbol.dims[axis - rank + symbol.dims.length] ?? 1;
    const dims = shape.map((_, axis) => Math.max(at(left, axis), at(right, axis)));
    const name = perChannel(kind, left, right, dims) ?? node(kind, [nameOf(left), nameOf(right)]);
    return toTensorInfo({ name, dims, dtype, scale }, shape, dtype);
  };
  if (op === "Mul") {
    const masked = maskedByStep(a, b) ?? maskedByStep(b, a);
    if (masked) return toTensorInfo(masked, shape);
    return made({ ...a, scale: 1 }, { ...b, scale: 1 }, a.scale * b.scale);
  }
  if (op === "Div") return made({ ...a, scale: 1 }, { ...b, scale: 1 }, a.scale / b.scale);
  if ((op === "Add" || op === "Sub") && a.splat === undefined && b.splat === undefined) return sum(a, b, op, made);
  return made(a, b, 1);
}

/** Vectors at least this long make a broadcast over the rows as fast as an operator of two full operands. */
const LONG_ROW = 256;

/**
 * An operator of an image [B, H, W, C] and a vector [C]. Libraries walk over a broadcast row by row, and rows of few
 * channels cost twice the time: so it is written as one of [B * H, W * C] and the vector W times in a row.
 */
function perChannel(op: string, left: Symbol, right: Symbol, dims: readonly number[]): string | undefined {
  const [batch = 0, height = 0, width = 0, channels = 0] = dims;
  if (dims.length !== 4) return undefined;
  const isVector = (symbol: Symbol) =>
    channels > 1 && sizeOf(symbol.dims) === channels && symbol.dims.at(-1) === channels;
  const isImage = (symbol: Symbol) => sameShape(symbol.dims, dims);
  if (!(isImage(left) && isVector(right) || isVector(left) && isImage(right))) return undefined;
  const graph = currentGraph();
  const [image, vector] = isImage(left) ? [left, right] : [right, left];
  if (op === "Add" && image.scale === 1) {
    const added = graph.target.convolutions.addBias?.(image.name, graph.reshape(nameOf(vector), [channels]));
    if (added !== undefined) return added;
  }
  if (channels >= LONG_ROW || width === 1 || batch * height === 1) return undefined;
  const flat = (symbol: Symbol) => {
    const name = nameOf(symbol);
    if (isImage(symbol)) return graph.reshape(name, [batch * height, width * channels]);
    const row = graph.node("Tile", [graph.reshape(name, [1, channels]), graph.shape([width, 1])]);
    const long = graph.reshape(row, [1, width * channels]);
    graph.remember(long, width * channels);
    return long;
  };
  const result = node(op, [flat(left), flat(right)]);
  graph.remember(result, sizeOf(dims));
  return graph.reshape(result, dims);
}

/** x * step(y), the gradient of Relu, as the one operator that TensorFlow has for it. */
function maskedByStep(x: Symbol, mask: Symbol): Symbol | undefined {
  const graph = currentGraph();
  const producer = graph.target.engine === "tensorflow" ? graph.producerOf(mask.name) : undefined;
  if (producer?.op !== "HardSigmoid" || !sameShape(x.dims, mask.dims)) return undefined;
  // By the output of Relu, which is as good as its input: then what comes before it need not be kept.
  const kept = graph.node("Relu", [producer.inputs[0]!]);
  return { ...x, name: graph.node("ReluGrad", [x.name, kept]), scale: x.scale * mask.scale };
}

/** a.scale * a ± b.scale * b: the factor of the larger side is kept for later, the smaller side takes the quotient. */
function sum(
  a: Symbol,
  b: Symbol,
  op: "Add" | "Sub",
  made: (left: Symbol, right: Symbol, scale: number, kind: string) => TensorInfo,
): TensorInfo {
  const sign = op === "Sub" ? -1 : 1;
  const scale = sizeOf(a.dims) >= sizeOf(b.dims) ? a.scale : sign * b.scale;
  const left = a.scale / scale;
  const right = sign * b.scale / scale;
  // Now scale * (left * a + right * b), where one of left and right is 1.
  if (left === 1 && right < 0) return made({ ...a, scale: 1 }, { ...b, scale: -right }, scale, "Sub");
  if (right === 1 && left < 0) return made({ ...b, scale: 1 }, { ...a, scale: -left }, scale, "Sub");
  return made({ ...a, scale: left }, { ...b, scale: right }, scale, "Add");
}

/** The sum of several tensors in one operator, where all of them are in memory. */
function addN(tensors: readonly TensorInfo[]): TensorInfo {
  const { shape, dtype } = tensors[0]!;
  const symbols = tensors.map(toSymbol);
  if (tensors.length < 3 || !symbols.every(({ splat, dims }) => splat === undefined && sameShape(dims, shape))) {
    return tensors.reduce((a, b) => binary("Add", a, b));
  }
  return toTensorInfo({ name: node("Sum", symbols.map(nameOf)), dims: shape, dtype, scale: 1 }, shape);
}

/** An elementwise operator of one input. */
function unary(x: TensorInfo, write: (name: string) => string, dtype: DType = x.dtype): TensorInfo {
  const symbol = toSymbol(x);
  return toTensorInfo({ name: write(nameOf(symbol)), dims: symbol.dims, dtype, scale: 1 }, x.shape, dtype);
}

/** A unary operator f with f(k x) = k f(x), or f(k x) = f(x) where the factor is dropped, for k > 0. */
function unaryUnderPositiveScale(x: TensorInfo, write: (name: string) => string, keepScale: boolean): TensorInfo {
  const symbol = toSymbol(x);
  if (symbol.splat !== undefined || !(symbol.scale > 0)) return unary(x, write);
  return toTensorInfo({ ...symbol, name: write(symbol.name), scale: keepScale ? symbol.scale : 1 }, x.shape);
}

/** 1 where x > 0, else alpha. A hard sigmoid of huge slope is the step function, at a fifteenth of the time of Sign. */
function step(x: TensorInfo, alpha: number): TensorInfo {
  const slope = { alpha: { float: 3e38 }, beta: { float: 0 } };
  const unit = unaryUnderPositiveScale(x, (name) => node("HardSigmoid", [name], slope), false);
  if (alpha === 0) return unit;
  return binary("Add", binary("Mul", unit, fill([], 1 - alpha, "float32")), fill([], alpha, "float32"));
}

function axesOf(axis: number | readonly number[] | null | undefined, shape: readonly number[]): number[] {
  if (axis === undefined || axis === null) return shape.map((_, index) => index);
  const axes = typeof axis === "number" ? [axis] : [...axis];
  return axes.map((index) => index < 0 ? index + shape.length : index).sort((a, b) => a - b);
}

function reduce(
  kind: "Sum" | "Mean" | "Max" | "Min",
  x: TensorInfo,
  axis: number[] | undefined,
  keepDims: boolean,
): TensorInfo {
  const graph = currentGraph();
  const axes = axesOf(axis, x.shape);
  const shape = x.shape.flatMap((length, index) => axes.includes(index) ? (keepDims ? [1] : []) : [length]);
  const symbol = toSymbol(x);
  // Elements of the reduced axes that are in memory, and those that are only promised by a broadcast.
  const stored = axes.reduce((product, index) => product * symbol.dims[index]!, 1);
  const promised = axes.reduce((product, index) => product * x.shape[index]!, 1) / stored;
  const linear = kind === "Sum" || kind === "Mean";
  const factor = kind === "Sum" ? promised : kind === "Mean" ? 1 / stored : 1;
  if (symbol.splat !== undefined) {
    return toTensorInfo(
      splat(kind === "Sum" ? symbol.splat * promised * stored : symbol.splat, shape, symbol.dtype),
      shape,
    );
  }
  const dims = symbol.dims.map((length, index) => axes.includes(index) ? 1 : length);
  let name = linear && symbol.dtype === "float32" ? symbol.name : nameOf(symbol);
  if (stored > 1) {
    const leading = axes.length > 1 && axes.at(-1) === axes.length - 1 && axes.length < symbol.dims.length;
    if (graph.target.engine === "onnxruntime" && linear && leading && symbol.dims[0]! > 1) {
      // ONNX Runtime is slow at reducing several leading axes at once; two reductions through [B, rows, C] are fast.
      const columns = sizeOf(symbol.dims.slice(axes.length));
      const batch = symbol.dims[0]!;
      name = graph.reshape(name, [batch, stored / batch, columns]);
      name = graph.node("ReduceSum", [name, graph.shape([1])], { keepdims: 0 });
      name = graph.node("ReduceSum", [name, graph.shape([0])], { keepdims: 0 });
      name = graph.reshape(name, dims);
    } else if (linear) name = graph.node("ReduceSum", [name, graph.shape(axes)], { keepdims: 1 });
    else name = graph.node(`Reduce${kind}`, [name], { axes, keepdims: 1 });
  }
  const scale = linear && symbol.dtype === "float32" ? symbol.scale * factor : 1;
  if (linear && symbol.dtype !== "float32" && factor !== 1) {
    unsupported(`${kind} of ${symbol.dtype} over a broadcast axis`);
  }
  const full = { name, dims, dtype: symbol.dtype, scale };
  if (keepDims) return toTensorInfo(full, shape);
  const kept = dims.filter((_, index) => !axes.includes(index));
  return toTensorInfo({ ...full, name: graph.reshape(name, kept), dims: kept }, shape);
}

function reshape(x: TensorInfo, target: readonly number[]): TensorInfo {
  const graph = currentGraph();
  const unknown = target.indexOf(-1);
  const shape = unknown < 0 ? [...target] : target.with(unknown, sizeOf(x.shape) / -sizeOf(target));
  const symbol = toSymbol(x);
  if (symbol.splat !== undefined) return toTensorInfo(splat(symbol.splat, shape, symbol.dtype), shape);
  if (sameShape(x.shape, shape)) return toTensorInfo(symbol, shape);
  if (!sameShape(symbol.dims, x.shape)) {
    const proper = (lengths: readonly number[]) => lengths.filter((length) => length !== 1);
    if (!sameShape(proper(x.shape), proper(shape))) {
      return toTensorInfo({
        ...symbol,
        scale: 1,
        name: graph.reshape(materialized(symbol, x.shape), shape),
        dims: shape,
      }, shape);
    }
    // Only axes of length 1 come or go: the promised broadcasts move along.
    const stored = symbol.dims.filter((_, index) => x.shape[index] !== 1);
    let next = 0;
    const dims = shape.map((length) => length === 1 ? 1 : stored[next++]!);
    return toTensorInfo({ ...symbol, name: graph.reshape(symbol.name, dims), dims }, shape);
  }
  return toTensorInfo({ ...symbol, name: graph.reshape(symbol.name, shape), dims: shape }, shape);
}

function transpose(x: TensorInfo, perm: readonly number[]): TensorInfo {
  const symbol = toSymbol(x);
  const shape = perm.map((axis) => x.shape[axis]!);
  const dims = perm.map((axis) => symbol.dims[axis]!);
  if (symbol.splat !== undefined) return toTensorInfo({ ...symbol, dims }, shape);
  return toTensorInfo({ ...symbol, name: currentGraph().transpose(symbol.name, perm), dims }, shape);
}

function tile(x: TensorInfo, reps: readonly number[]): TensorInfo {
  const shape = x.shape.map((length, axis) => length * reps[axis]!);
  const symbol = toSymbol(x);
  if (symbol.splat !== undefined || x.shape.every((length, axis) => length === 1 || reps[axis] === 1)) {
    return toTensorInfo(symbol, shape);
  }
  const graph = currentGraph();
  const { name, scale } = unscaled(x);
  return toTensorInfo(
    { name: graph.node("Tile", [name, graph.shape(reps)]), dims: shape, dtype: x.dtype, scale },
    shape,
  );
}

function slice(x: TensorInfo, from: number[], size: number[]): TensorInfo {
  const graph = currentGraph();
  const [begin, shape] = tf.slice_util.parseSliceParams(x as unknown as tf.Tensor, from, size) as [number[], number[]];
  const end = begin.map((start, axis) => start + shape[axis]!);
  const { name, scale } = unscaled(x);
  const sliced = graph.node("Slice", [name, graph.shape(begin), graph.shape(end)]);
  return toTensorInfo({ name: sliced, dims: shape, dtype: x.dtype, scale }, shape);
}

function pad(x: TensorInfo, paddings: readonly [number, number][], value: number): TensorInfo {
  const graph = currentGraph();
  const shape = x.shape.map((length, axis) => length + paddings[axis]![0] + paddings[axis]![1]);
  const { name, scale } = value === 0 ? unscaled(x) : { name: materialized(toSymbol(x), x.shape), scale: 1 };
  const amounts = graph.shape([...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)]);
  const padded = graph.node("Pad", [name, amounts, graph.scalar(value, x.dtype)]);
  return toTensorInfo({ name: padded, dims: shape, dtype: x.dtype, scale }, shape);
}

function concat(inputs: Inputs, axis: number): TensorInfo {
  const tensors = Object.values(inputs);
  const first = tensors[0]!;
  const index = axis < 0 ? axis + first.shape.length : axis;
  const shape = first.shape.with(index, tensors.reduce((total, { shape }) => total + shape[index]!, 0));
  const names = tensors.map((tensor) => materialized(toSymbol(tensor), tensor.shape));
  return toTensorInfo(
    { name: node("Concat", names, { axis: index }), dims: shape, dtype: first.dtype, scale: 1 },
    shape,
  );
}

function split(x: TensorInfo, sizes: number | readonly number[], axis: number): TensorInfo[] {
  const graph = currentGraph();
  const index = axis < 0 ? axis + x.shape.length : axis;
  const lengths = tf.backend_util.prepareSplitSize(x as unknown as tf.Tensor, sizes as number[], index) as number[];
  const { name, scale } = unscaled(x);
  return graph.nodes("Split", [name, graph.shape(lengths)], { axis: index }, lengths.length).map((part, i) => {
    const shape = x.shape.with(index, lengths[i]!);
    return toTensorInfo({ name: part, dims: shape, dtype: x.dtype, scale }, shape);
  });
}

function select(condition: TensorInfo, t: TensorInfo, e: TensorInfo): TensorInfo {
  const shape = t.shape;
  // A condition of rank 1 chooses along the first axis.
  const chosen = condition.shape.length === shape.length
    ? condition
    : reshape(condition, [...condition.shape, ...Array<number>(shape.length - condition.shape.length).fill(1)]);
  const symbols = [chosen, t, e].map(toSymbol);
  const [flags, ...values] = symbols as [Symbol, Symbol, Symbol];
  const ofRows = shape.length > 1 && sameShape(flags.dims, [shape[0]!, ...shape.slice(1).fill(1)]);
  const whole = values.every(({ splat, dims }) => splat === undefined && sameShape(dims, shape));
  if (currentGraph().target.engine === "tensorflow" && flags.splat === undefined && ofRows && whole) {
    // TensorFlow copies whole rows several times faster than it chooses element by element.
    const rows = currentGraph().reshape(nameOf(flags), [shape[0]!]);
    const name = node("WhereRows", [rows, ...values.map(nameOf)]);
    return toTensorInfo({ name, dims: shape, dtype: t.dtype, scale: 1 }, shape);
  }
  const dims = shape.map((_, axis) =>
    Math.max(...symbols.map((symbol) => symbol.dims[axis - shape.length + symbol.dims.length] ?? 1))
  );
  return toTensorInfo({ name: node("Where", symbols.map(nameOf)), dims, dtype: t.dtype, scale: 1 }, shape);
}

function matMul(a: TensorInfo, b: TensorInfo, transposeA: boolean, transposeB: boolean): TensorInfo {
  const rank = a.shape.length;
  const rows = a.shape[transposeA ? rank - 1 : rank - 2]!;
  const inner = a.shape[transposeA ? rank - 2 : rank - 1]!;
  const columns = b.shape[transposeB ? rank - 2 : rank - 1]!;
  const batch = tf.backend_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const shape = [...batch, rows, columns];
  const left = unscaled(a);
  const right = unscaled(b);
  const attributes = { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 };
  const options = { flops: 2 * sizeOf(shape) * inner };
  const name = rank === 2
    ? currentGraph().node("Gemm", [left.name, right.name], attributes, options)
    : currentGraph().node("FusedMatMul", [left.name, right.name], attributes, { ...options, domain: MICROSOFT });
  return toTensorInfo({ name, dims: shape, dtype: "float32", scale: left.scale * right.scale }, shape);
}

function cast(x: TensorInfo, dtype: DType): TensorInfo {
  const symbol = toSymbol(x);
  if (dtype === x.dtype) return toTensorInfo(symbol, x.shape);
  if (symbol.splat !== undefined) {
    const value = dtype === "bool"
      ? Number(symbol.splat !== 0)
      : dtype === "int32"
      ? Math.trunc(symbol.splat)
      : symbol.splat;
    return toTensorInfo(splat(value, x.shape, dtype), x.shape);
  }
  return unary(x, (name) => node("Cast", [name], { to: ONNX_CAST[dtype] }), dtype);
}

function oneHot(indices: TensorInfo, depth: number, on: number, off: number): TensorInfo {
  const graph = currentGraph();
  const shape = [...indices.shape, depth];
  const index = graph.reshape(materialized(toSymbol(indices), indices.shape), [...indices.shape, 1]);
  const classes = graph.constant("int32", [depth], Int32Array.from({ length: depth }, (_, k) => k));
  const chosen = graph.node("Equal", [index, classes]);
  const name = graph.node("Where", [chosen, graph.scalar(on, "int32"), graph.scalar(off, "int32")]);
  return toTensorInfo({ name, dims: shape, dtype: "int32", scale: 1 }, shape);
}

function argReduce(op: "ArgMax" | "ArgMin", x: TensorInfo, axis: number): TensorInfo {
  const graph = currentGraph();
  const index = axis < 0 ? axis + x.shape.length : axis;
  const shape = x.shape.filter((_, i) => i !== index);
  const name = materialized(toSymbol(x), x.shape);
  if (graph.target.engine === "tensorflow") {
    const found = node(op, [name], { axis: index, keepdims: 0 });
    return toTensorInfo(
      { name: node("Cast", [found], { to: ONNX_CAST.int32 }), dims: shape, dtype: "int32", scale: 1 },
      shape,
    );
  }
  // The least index of an extreme element: ONNX's own operators give int64, which a GPU leaves to the processor.
  const count = x.shape[index]!;
  const extreme = node(op === "ArgMax" ? "ReduceMax" : "ReduceMin", [name], { axes: [index], keepdims: 1 });
  const places = x.shape.map((_, axis) => axis === index ? count : 1);
  const order = graph.constant("int32", places, Int32Array.from({ length: count }, (_, i) => i));
  const first = node("Where", [node("Equal", [name, extreme]), order, graph.scalar(count, "int32")]);
  const found = node("ReduceMin", [first], { axes: [index], keepdims: 0 });
  return toTensorInfo({ name: found, dims: shape, dtype: "int32", scale: 1 }, shape);
}

function gather(x: TensorInfo, indices: TensorInfo, axis: number): TensorInfo {
  const index = axis < 0 ? axis + x.shape.length : axis;
  const shape = [...x.shape.slice(0, index), ...indices.shape, ...x.shape.slice(index + 1)];
  const { name, scale } = unscaled(x);
  const gathered = node("Gather", [name, materialized(toSymbol(indices), indices.shape)], { axis: index });
  return toTensorInfo({ name: gathered, dims: shape, dtype: x.dtype, scale }, shape);
}

/** A kernel that is written in operators of TensorFlow.js. */
function ofElements(
  kernel: (ops: typeof tf, x: Tensor, attributes: GeluAttributes) => Tensor,
  x: TensorInfo,
  attributes: Attributes,
): TensorInfo {
  return kernel(tf, x as unknown as Tensor, attributes as unknown as GeluAttributes) as unknown as TensorInfo;
}

const fill = (shape: readonly number[], value: number, dtype: DType) => toTensorInfo(splat(value, shape, dtype), shape);
const many = (table: Readonly<Record<string, string>>, make: (op: string) => TraceKernel) =>
  Object.fromEntries(Object.entries(table).map(([kernel, op]) => [kernel, make(op)]));

/** How each TensorFlow.js kernel is written into the graph. */
export const TRACE_KERNELS: Readonly<Record<string, TraceKernel>> = {
  ...many(NUMERIC_BINARY, (op) => ({ a, b }) => binary(op, a!, b!)),
  ...many(LOGICAL_BINARY, (op) => ({ a, b }) => binary(op, a!, b!, "bool")),
  ...many(UNARY, (op) => ({ x }) => unary(x!, (name) => node(op, [name]))),
  ...convolutionKernels,
  ...batchNormKernels,
  ...layerNormKernels,
  ...maxPoolKernels,
  Gelu: ({ x }, attributes) => ofElements(geluOf, x!, attributes),
  GeluGrad: ({ x }, attributes) => ofElements(geluGradOf, x!, attributes),
  Softmax: ({ logits }) => {
    const { shape, dtype } = logits!;
    const name = node("Softmax", [materialized(toSymbol(logits!), shape)], { axis: -1 });
    return toTensorInfo({ name, dims: shape, dtype, scale: 1 }, shape);
  },
  NotEqual: ({ a, b }) => unary(binary("Equal", a!, b!, "bool"), (name) => node("Not", [name])),
  LogicalNot: ({ x }) => unary(x!, (name) => node("Not", [name])),
  SquaredDifference: ({ a, b }) => {
    const difference = binary("Sub", a!, b!);
    return binary("Mul", difference, difference);
  },
  AddN: (inputs) => addN(Object.values(inputs)),
  Square: ({ x }) => binary("Mul", x!, x!),
  Neg: ({ x }) => binary("Mul", x!, fill([], -1, x!.dtype)),
  Rsqrt: ({ x }) => unary(x!, (name) => node("Reciprocal", [node("Sqrt", [name])])),
  Relu: ({ x }) => unaryUnderPositiveScale(x!, (name) => node("Relu", [name]), true),
  Step: ({ x }, { alpha }) => step(x!, alpha ?? 0),
  ClipByValue: ({ x }, { clipValueMin, clipValueMax }) =>
    unary(x!, (name) => node("Clip", [name, currentGraph().scalar(clipValueMin), currentGraph().scalar(clipValueMax)])),
  Identity: ({ x }) => toTensorInfo(toSymbol(x!), x!.shape),
  Cast: ({ x }, { dtype }) => cast(x!, dtype),
  ZerosLike: ({ x }) => fill(x!.shape, 0, x!.dtype),
  OnesLike: ({ x }) => fill(x!.shape, 1, x!.dtype),
  Fill: (_, { shape, value, dtype }) => fill(shape, value, dtype ?? "float32"),
  Sum: ({ x }, { axis, keepDims }) => reduce("Sum", x!, axis, keepDims),
  Mean: ({ x }, { axis, keepDims }) => reduce("Mean", x!, axis, keepDims),
  Max: ({ x }, { reductionIndices, keepDims }) => reduce("Max", x!, reductionIndices, keepDims),
  Min: ({ x }, { axis, keepDims }) => reduce("Min", x!, axis, keepDims),
  ArgMax: ({ x }, { axis }) => argReduce("ArgMax", x!, axis),
  ArgMin: ({ x }, { axis }) => argReduce("ArgMin", x!, axis),
  Reshape: ({ x }, { shape }) => reshape(x!, shape),
  ExpandDims: ({ input }, { dim }) => {
    const shape = [...input!.shape];
    shape.splice(dim < 0 ? shape.length + dim + 1 : dim, 0, 1);
    return reshape(input!, shape);
  },
  Transpose: ({ x }, { perm }) => transpose(x!, perm),
  Tile: ({ x }, { reps }) => tile(x!, reps),
  Slice: ({ x }, { begin, size }) => slice(x!, begin, size),
  PadV2: ({ x }, { paddings, constantValue }) => pad(x!, paddings, constantValue),
  Concat: (inputs, { axis }) => concat(inputs, axis),
  Pack: (inputs, { axis }) => {
    const index = axis < 0 ? axis + Object.values(inputs)[0]!.shape.length + 1 : axis;
    const expanded = Object.values(inputs).map((x) => reshape(x, x.shape.toSpliced(index, 0, 1)));
    return concat(Object.fromEntries(expanded.map((x, i) => [String(i), x])), index);
  },
  SplitV: ({ x }, { numOrSizeSplits, axis }) => split(x!, numOrSizeSplits, axis),
  Select: ({ condition, t, e }) => select(condition!, t!, e!),
  GatherV2: ({ x, indices }, { axis }) => gather(x!, indices!, axis),
  OneHot: ({ indices }, { depth, onValue, offValue }) => oneHot(indices!, depth, onValue, offValue),
  BatchMatMul: ({ a, b }, { transposeA, transposeB }) => matMul(a!, b!, transposeA, transposeB),
};

function unsupported(what: string): never {
  throw new TypeError(
    `Cannot trace ${what}: the ${currentGraph().target.engine} engine does not cover it (${askedFrom()}); compute it between calls`,
  );
}

/** Registers the kernels with TensorFlow.js; those that are not covered name themselves when they are called. */
export function registerTraceKernels(): void {
  const covered = new Set(Object.keys(TRACE_KERNELS));
  for (const [kernelName, kernel] of Object.entries(TRACE_KERNELS)) {
    tf.registerKernel({
      kernelName,
      backendName: TRACE_BACKEND,
      kernelFunc: ({ inputs, attrs }) =>
        kernel(inputs as unknown as Inputs, (attrs ?? {}) as Attributes) as tf.TensorInfo | tf.TensorInfo[],
    });
  }
  for (const { kernelName } of tf.getKernelsForBackend("cpu")) {
    if (covered.has(kernelName)) continue;
    tf.registerKernel({
      kernelName,
      backendName: TRACE_BACKEND,
      kernelFunc: () => unsupported(`the kernel "${kernelName}"`),
    });
  }
}
