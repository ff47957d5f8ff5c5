/**
 * The operators that models, losses, objectives and attacks are written in: TensorFlow.js's own where they can be
 * differentiated twice, ours where its are silently wrong. What is not here is not used outside this room.
 *
 * Layouts: images [batch, height, width, channels]; filters [height, width, in, out]; axes count from 0, negative ones
 * from the end.
 */
import type { DType, NdArray } from "../core/mod.ts";
import { tf } from "./tensorflow.ts";
import type { Tensor } from "./tensorflow.ts";
import { windowElements } from "./windows.ts";

/** A tensor, or a number that is broadcast. */
export type Operand = Tensor | number;

/** a + b, broadcast. */
export const add = (a: Operand, b: Operand): Tensor => tf.add(a, b);
/** a - b, broadcast. */
export const sub = (a: Operand, b: Operand): Tensor => tf.sub(a, b);
/** a * b, broadcast. */
export const mul = (a: Operand, b: Operand): Tensor => tf.mul(a, b);
/** a / b, broadcast. */
export const div = (a: Operand, b: Operand): Tensor => tf.div(a, b);
/** The larger of a and b, elementwise; its gradient goes to a where a >= b. */
export const maximum = (a: Operand, b: Operand): Tensor => tf.maximum(a, b);
/** The smaller of a and b, elementwise; its gradient goes to a where a <= b. */
export const minimum = (a: Operand, b: Operand): Tensor => tf.minimum(a, b);
/** -x. */
export const neg = (x: Tensor): Tensor => tf.neg(x);
/** |x|; gradient dy * sign(x). */
export const abs = (x: Tensor): Tensor => tf.abs(x);
/** Sign of x in {-1, 0, 1}; no gradient. */
export const sign = (x: Tensor): Tensor => tf.sign(x);
/** x^2. */
export const square = (x: Tensor): Tensor => tf.square(x);
/** Square root of x. */
export const sqrt = (x: Tensor): Tensor => tf.sqrt(x);
/** 1 / sqrt(x). */
export const rsqrt = (x: Tensor): Tensor => tf.rsqrt(x);
/** e^x. */
export const exp = (x: Tensor): Tensor => tf.exp(x);
/** Natural logarithm. */
export const log = (x: Tensor): Tensor => tf.log(x);
/** max(x, 0); gradient 0 at 0. */
export const relu = (x: Tensor): Tensor => tf.relu(x);
/** 1 / (1 + e^-x). */
export const sigmoid = (x: Tensor): Tensor => tf.sigmoid(x);
/** Hyperbolic tangent. */
export const tanh = (x: Tensor): Tensor => tf.tanh(x);
/**
 * Gaussian error linear unit: x Phi(x), Phi the normal distribution function; or x (1 + tanh(sqrt(2 / pi) (x + 0.044715
 * x^3))) / 2, which is near it. Its third derivative is not there.
 *
 * Source: Hendrycks and Gimpel, "Gaussian error linear units" (2016), section 2.
 */
export const gelu = (x: Tensor, approximate: "none" | "tanh" = "none"): Tensor =>
  tf.engine().runKernel("Gelu", { x }, { approximate }) as Tensor;
/** log(1 + e^x). */
export const softplus = (x: Tensor): Tensor => tf.softplus(x);
/** x limited to [low, high]. */
export const clip = (x: Tensor, low: number, high: number): Tensor => tf.clipByValue(x, low, high);

/** Sum over axes (all where omitted). */
export const sum = (x: Tensor, axis?: number | number[], keepDims?: boolean): Tensor => tf.sum(x, axis, keepDims);
/** Mean over axes (all where omitted). */
export const mean = (x: Tensor, axis?: number | number[], keepDims?: boolean): Tensor => tf.mean(x, axis, keepDims);
/** Largest element over axes; a constant for differentiation (its own gradient has no second derivative). */
export const maxConstant = (x: Tensor, axis?: number | number[], keepDims?: boolean): Tensor =>
  constantOf((x) => tf.max(x, axis, keepDims), x);
/** Index of the largest element along an axis, int32; no gradient. */
export const argMax = (x: Tensor, axis: number): Tensor => tf.argMax(x, axis);

/** The same elements in another shape (one length may be -1). */
export const reshape = (x: Tensor, shape: number[]): Tensor => tf.reshape(x, shape);
/** Axes in another order. */
export const transpose = (x: Tensor, perm: number[]): Tensor => tf.transpose(x, perm);
/** Tensors joined along an axis. */
export const concat = (xs: Tensor[], axis: number): Tensor => tf.concat(xs, axis);
/** A tensor in parts of equal length along an axis. */
export const split = (x: Tensor, parts: number, axis: number): Tensor[] => parts === 1 ? [x] : tf.split(x, parts, axis);
/** The block of `size` at `begin`. */
export const slice = (x: Tensor, begin: number[], size: number[]): Tensor => tf.slice(x, begin, size);
/** Zeros around a tensor: [before, after] for each axis. */
export const pad = (x: Tensor, paddings: [number, number][]): Tensor => tf.pad(x, paddings);
/** x repeated to a larger shape by broadcasting. */
export const broadcastTo = (x: Tensor, shape: number[]): Tensor => tf.add(x, tf.zeros(shape));

/** Matrix product [..., m, k] x [..., k, n]. */
export const matMul = (a: Tensor, b: Tensor, transposeA?: boolean, transposeB?: boolean): Tensor =>
  tf.matMul(a, b, transposeA, transposeB);
/**
 * Convolution: x [B, H, W, I], filter [KH, KW, I / g, O] -> [B, H', W', O], with explicit zero padding as PyTorch counts
 * it (the same number on each side). With g groups, output channels j O / g ... (j + 1) O / g - 1 see the input channels
 * j I / g ... (j + 1) I / g - 1 alone; depthwise where g = I.
 *
 * @throws {TypeError} If the channels of the image are not g times those of the filter, or O is no multiple of g.
 */
export const conv2d = (x: Tensor, filter: Tensor, stride: number, padding: number, groups = 1): Tensor => {
  if (groups > 1) {
    if (x.shape[3] !== groups * filter.shape[2]! || filter.shape[3]! % groups !== 0) {
      throw new TypeError(
        `Cannot convolve an image [${x.shape}] with a filter [${filter.shape}] in ${groups} groups: ` +
          "it needs [KH, KW, I / groups, O]",
      );
    }
    return tf.engine().runKernel("GroupedConv2D", { x, w: filter }, { stride, padding }) as Tensor;
  }
  return tf.conv2d(
    x as tf.Tensor4D,
    filter as tf.Tensor4D,
    stride,
    padding === 0 ? "valid" : [[0, 0], [padding, padding], [padding, padding], [0, 0]],
  );
};

/**
 * The largest number of each size x size window: x [B, H, W, C] -> [B, H', W', C], H' = floor((H + 2 padding - size) /
 * stride) + 1; what is put around the image is below every number. Rows, then columns. The gradient goes to the first of
 * equals, row by row, as in PyTorch.
 */
export const maxPool2d = (x: Tensor, size: number, stride: number, padding: number): Tensor =>
  tf.engine().runKernel("MaxPool2D", { x }, { size, stride, padding }) as Tensor;

/**
 * The mean of each size x size window, zeros around the image counted in: x [B, H, W, C] -> [B, H', W', C], as
 * {@linkcode maxPool2d}.
 */
export const averagePool2d = (x: Tensor, size: number, stride: number, padding: number): Tensor =>
  tf.mul(
    [2, 1].reduce((x, axis) => {
      const elements = windowElements(tf, x, { size, stride, padding, axis });
      return elements.reduce((a, b) => tf.add(a, b));
    }, x),
    1 / size ** 2,
  );

/**
 * The mean of as many windows as are asked for: x [B, H, W, C] -> [B, h, w, C]. Window i of an axis of length n goes from
 * floor(i n / size) to ceil((i + 1) n / size), so windows overlap where size does not divide n.
 *
 * Source: PyTorch, AdaptiveAvgPool2d.
 *
 * @param x Images [B, H, W, C].
 * @param size h and w, or one number for both.
 * @returns The means [B, h, w, C].
 * @throws {RangeError} If h or w is no integer of at least 1.
 */
export const adaptiveAveragePool2d = (x: Tensor, size: number | readonly [height: number, width: number]): Tensor => {
  const [height, width] = typeof size === "number" ? [size, size] : size;
  return averageWindows(averageWindows(x, 1, height), 2, width);
};

/** The mean of each of `count` windows that cover an axis. */
function averageWindows(x: Tensor, axis: number, count: number): Tensor {
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`Cannot take means of ${count} windows: it needs an integer of at least 1`);
  }
  const length = x.shape[axis]!;
  if (count === length) return x;
  if (length % count === 0) {
    return tf.mean(tf.reshape(x, x.shape.toSpliced(axis, 1, count, length / count)), axis + 1);
  }
  const windows = Array.from({ length: count }, (_, i) => {
    const begin = Math.floor(i * length / count);
    const end = Math.ceil((i + 1) * length / count);
    const part = tf.slice(x, x.shape.map(() => 0).with(axis, begin), x.shape.with(axis, end - begin));
    return end - begin === 1 ? part : tf.mean(part, axis, true);
  });
  return tf.concat(windows, axis);
}

/**
 * Batch normalisation by the statistics of the batch: y = gamma (x - mean) / sqrt(variance + epsilon) + beta, mean and
 * variance over the pixels of each channel. One operator of the library where it has one; its first and second
 * derivatives are complete, a third is not there.
 *
 * Source: Ioffe and Szegedy (2015), algorithm 1.
 *
 * @param x Images [B, H, W, C].
 * @param gamma Scale per channel [C].
 * @param beta Offset per channel [C].
 * @param epsilon Added to the variance.
 * @returns y [B, H, W, C]; mean [C] and variance [C] of the batch, biased (divided by B H W), which are differentiable.
 */
export const batchNorm2d = (
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  epsilon: number,
): { readonly y: Tensor; readonly mean: Tensor; readonly variance: Tensor } => {
  const outputs = tf.engine().runKernel("BatchNorm", { x, gamma, beta }, { epsilon }) as unknown;
  const [y, mean, variance] = outputs as [Tensor, Tensor, Tensor];
  return { y, mean, variance };
};

/**
 * Rows of mean 0 and variance 1: (x - mean) / sqrt(variance + epsilon) over the last axis, the variance biased. One
 * operator of the library where it has one; its third derivative is not there.
 *
 * Source: Ba, Kiros and Hinton, "Layer normalization" (2016), equations 3 and 4, without gain and bias.
 */
export const normaliseRows = (x: Tensor, epsilon: number): Tensor =>
  (tf.engine().runKernel("LayerNorm", { x }, { epsilon }) as unknown as [Tensor])[0];

/** a > b, elementwise, bool. */
export const greater = (a: Operand, b: Operand): Tensor => tf.greater(a, b);
/** a >= b, elementwise, bool. */
export const greaterEqual = (a: Operand, b: Operand): Tensor => tf.greaterEqual(a, b);
/** a == b, elementwise, bool. */
export const equal = (a: Operand, b: Operand): Tensor => tf.equal(a, b);
/** Both true. */
export const logicalAnd = (a: Tensor, b: Tensor): Tensor => tf.logicalAnd(a, b);
/** Not true. */
export const logicalNot = (a: Tensor): Tensor => tf.logicalNot(a);
/** Where the condition holds a, else b; all of one shape, or the condition broadcast from the front axes by reshape. */
export const where = (condition: Tensor, a: Tensor, b: Tensor): Tensor => tf.where(condition, a, b);
/** Another dtype. */
export const cast = (x: Tensor, dtype: DType): Tensor => tf.cast(x, dtype);
/** Class indices [B] (int32) -> [B, classes] of 0 and 1 (float32); no gradient. */
export const oneHot = (y: Tensor, classes: number): Tensor => tf.cast(tf.oneHot(y, classes), "float32");

/** Rows of x [N, ...] by their indices [B] (int32): [B, ...]; a constant for differentiation. */
export const takeRows = (x: Tensor, indices: Tensor): Tensor => constantOf((x) => tf.gather(x, indices, 0), x);

/** Zeros of a shape. */
export const zeros = (shape: number[]): Tensor => tf.zeros(shape);
/** Zeros of the shape and dtype of x. */
export const zerosLike = (x: Tensor): Tensor => tf.zerosLike(x);
/** Ones of a shape. */
export const ones = (shape: number[]): Tensor => tf.ones(shape);
/** An array from memory, as it is now, as a constant of the traced function. */
export const constant = (array: NdArray): Tensor => tf.tensor(array.data.slice(), [...array.shape], array.dtype);

/** x as a constant for differentiation: d stopGradient(x) / dx = 0. */
export const stopGradient = (x: Tensor): Tensor => constantOf((x) => tf.clone(x), x);

/** f(x) as a constant for differentiation: what f does is not differentiated, so it may use any operator. */
export const constantOf = (f: (x: Tensor) => Tensor, x: Tensor): Tensor =>
  tf.customGrad((x) => ({ value: f(x as Tensor), gradFunc: () => tf.zerosLike(x as Tensor) }))(x);

/**
 * log softmax over the last axis: x - m - log(sum(exp(x - m))), m = max(x) as a constant. TensorFlow.js's own has a
 * wrong second derivative.
 */
export const logSoftmax = (logits: Tensor): Tensor => {
  const shifted = sub(logits, maxConstant(logits, -1, true));
  return sub(shifted, log(sum(exp(shifted), -1, true)));
};

/** Softmax over the last axis: exp(x - m) / sum(exp(x - m)), m = max(x). */
export const softmax = (logits: Tensor): Tensor => tf.softmax(logits);
