import { assert } from "@std/assert";
import { float32, type NdArray, sizeOf } from "../../lib/core/mod.ts";
import * as ops from "../../lib/engine/mod.ts";
import type { Engine, Tensor } from "../../lib/engine/mod.ts";
import { assertClose } from "../testing/assert_close.ts";
import { EAGER, testOnEager } from "../testing/eager.ts";
import { testOnEngines } from "../testing/engines.ts";
import { normal, uniform } from "../testing/numbers.ts";

/** A differentiable function of one vector, and where to look at it. */
interface Case {
  readonly size: number;
  /** Numbers away from kinks and poles. @default normal */
  readonly at?: NdArray<"float32">;
  readonly f: (x: Tensor) => Tensor;
}

/** Fixed numbers of both signs; drawing some inside a traced function would be refused. */
function fixed(shape: readonly number[]): Tensor {
  return ops.constant(float32(shape, Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(1.3 * i + 0.5))));
}

/** Cuts a vector into tensors of the given shapes. */
function parts(x: Tensor, ...shapes: number[][]): Tensor[] {
  let begin = 0;
  return shapes.map((shape) => {
    const size = sizeOf(shape);
    begin += size;
    return ops.reshape(ops.slice(x, [begin - size], [size]), shape);
  });
}

const positive = (size: number) => uniform([size], "positive", 0.6, 1.8);
/** Numbers whose absolute value is at least 0.3: a step of 0.01 stays on one side of a kink at 0. */
const offZero = (size: number) =>
  float32([size], normal([size], "off zero").data.map((v) => v < 0 ? v - 0.3 : v + 0.3));

const conv = (stride: number, padding: number, kernel: number, channels: number, out: number, side: number): Case => ({
  size: side * side * channels + kernel * kernel * channels * out,
  f: (x) => {
    const [image, filter] = parts(x, [1, side, side, channels], [kernel, kernel, channels, out]);
    return ops.tanh(ops.mul(ops.conv2d(image!, filter!, stride, padding), 0.3));
  },
});

const grouped = (stride: number, groups: number, channels: number, out: number, side: number): Case => ({
  size: side * side * channels + 9 * channels / groups * out,
  f: (x) => {
    const [image, filter] = parts(x, [1, side, side, channels], [3, 3, channels / groups, out]);
    return ops.tanh(ops.mul(ops.conv2d(image!, filter!, stride, 1, groups), 0.3));
  },
});

/** A square image of numbers that are at least 0.1 apart: a step of 0.01 does not change which is the largest. */
const apart = (side: number, channels: number) => {
  const count = side * side * channels;
  const order = normal([count], "order").data;
  const ranks = Array.from(order, (value) => order.filter((other) => other < value).length);
  return float32([count], ranks.map((rank) => 0.1 * (rank - count / 2)));
};
const pool = (
  f: (x: Tensor, size: number, stride: number, padding: number) => Tensor,
  [size, stride, padding]: readonly [number, number, number],
  side: number,
): Case => ({
  size: side * side * 2,
  at: apart(side, 2),
  f: (x) => ops.square(f(ops.reshape(x, [1, side, side, 2]), size, stride, padding)),
});

/** Every operator that models, losses and objectives are differentiated through twice. */
const CASES: Readonly<Record<string, Case>> = {
  "add": { size: 6, f: (x) => ops.square(ops.add(x, parts(x, [1])[0]!)) },
  "sub": { size: 6, f: (x) => ops.square(ops.sub(parts(x, [1])[0]!, x)) },
  "mul": { size: 6, f: (x) => ops.mul(x, ops.mul(x, parts(x, [1])[0]!)) },
  "div": { size: 6, at: positive(6), f: (x) => ops.div(parts(x, [1])[0]!, x) },
  "maximum": { size: 6, at: offZero(6), f: (x) => ops.square(ops.maximum(x, 0)) },
  "minimum": { size: 6, at: offZero(6), f: (x) => ops.square(ops.minimum(x, 0)) },
  "neg": { size: 6, f: (x) => ops.square(ops.neg(x)) },
  "abs": { size: 6, at: offZero(6), f: (x) => ops.mul(ops.abs(x), x) },
  "square": { size: 6, f: (x) => ops.square(ops.square(x)) },
  "sqrt": { size: 6, at: positive(6), f: (x) => ops.sqrt(x) },
  "rsqrt": { size: 6, at: positive(6), f: (x) => ops.rsqrt(x) },
  "exp": { size: 6, f: (x) => ops.exp(x) },
  "log": { size: 6, at: positive(6), f: (x) => ops.log(x) },
  "relu": { size: 6, at: offZero(6), f: (x) => ops.square(ops.relu(x)) },
  "sigmoid": { size: 6, f: (x) => ops.exp(ops.mul(2, ops.sigmoid(x))) },
  "tanh": { size: 6, f: (x) => ops.tanh(x) },
  "gelu": { size: 6, f: (x) => ops.square(ops.gelu(x)) },
  "gelu, by the hyperbolic tangent": { size: 6, f: (x) => ops.square(ops.gelu(ops.mul(x, 1.5), "tanh")) },
  "normaliseRows": {
    size: 12,
    f: (x) => ops.exp(ops.mul(ops.normaliseRows(ops.reshape(x, [3, 4]), 1e-2), ops.reshape(x, [3, 4]))),
  },
  "softplus": { size: 6, f: (x) => ops.softplus(x) },
  "sum": { size: 6, f: (x) => ops.square(ops.sum(ops.square(ops.reshape(x, [2, 3])), 1)) },
  "sum over leading axes": { size: 12, f: (x) => ops.square(ops.sum(ops.square(ops.reshape(x, [2, 3, 2])), [0, 1])) },
  "mean": { size: 6, f: (x) => ops.square(ops.mean(ops.square(ops.reshape(x, [2, 3])), 0, true)) },
  "reshape": { size: 6, f: (x) => ops.square(ops.reshape(ops.square(x), [3, 2])) },
  "transpose": {
    size: 6,
    f: (x) => ops.mul(ops.transpose(ops.square(ops.reshape(x, [2, 3])), [1, 0]), ops.reshape(x, [3, 2])),
  },
  "concat": { size: 6, f: (x) => ops.square(ops.concat([ops.square(x), ops.exp(x)], 0)) },
  "slice": { size: 6, f: (x) => ops.square(ops.slice(ops.square(x), [1], [3])) },
  "split": {
    size: 6,
    f: (x) => {
      const [a, b, c] = ops.split(ops.square(ops.reshape(x, [2, 3])), 3, 1);
      return ops.add(ops.mul(a!, b!), ops.square(c!));
    },
  },
  "pad": { size: 6, f: (x) => ops.square(ops.pad(ops.square(x), [[1, 2]])) },
  "broadcastTo": { size: 3, f: (x) => ops.square(ops.broadcastTo(ops.square(ops.reshape(x, [3, 1])), [3, 4])) },
  "where": { size: 6, at: offZero(6), f: (x) => ops.where(ops.greater(x, 0), ops.square(x), ops.exp(x)) },
  "cast": { size: 6, at: offZero(6), f: (x) => ops.mul(ops.cast(ops.greater(x, 0), "float32"), ops.square(x)) },
  "oneHot": {
    size: 6,
    f: (x) =>
      ops.mul(
        ops.oneHot(ops.constant({ dtype: "int32", shape: [2], data: Int32Array.of(2, 0) }), 3),
        ops.exp(ops.reshape(x, [2, 3])),
      ),
  },
  "stopGradient": { size: 6, f: (x) => ops.square(ops.add(ops.stopGradient(fixed([6])), x)) },
  "matMul": {
    size: 12,
    f: (x) => {
      const [a, b] = parts(x, [2, 3], [3, 2]);
      return ops.tanh(ops.matMul(a!, b!));
    },
  },
  "matMul, both transposed": {
    size: 12,
    f: (x) => {
      const [a, b] = parts(x, [3, 2], [2, 3]);
      return ops.tanh(ops.matMul(a!, b!, true, true));
    },
  },
  "matMul of batches": {
    size: 24,
    f: (x) => {
      const [a, b] = parts(x, [2, 2, 3], [2, 3, 2]);
      return ops.tanh(ops.matMul(a!, b!));
    },
  },
  "logSoftmax": { size: 6, f: (x) => ops.logSoftmax(ops.reshape(x, [2, 3])) },
  "softmax": { size: 6, f: (x) => ops.softmax(ops.reshape(x, [2, 3])) },
  "softmax of batches of rows": {
    size: 12,
    f: (x) => ops.square(ops.softmax(ops.mul(ops.reshape(x, [2, 2, 3]), ops.reshape(x, [2, 2, 3])))),
  },
  "conv2d 3x3": conv(1, 1, 3, 2, 2, 4),
  "conv2d 3x3, stride 2": conv(2, 1, 3, 2, 2, 6),
  "conv2d 3x3, no padding, odd size": conv(2, 0, 3, 1, 2, 7),
  "conv2d 1x1": conv(1, 0, 1, 3, 2, 3),
  "conv2d 1x1, stride 2": conv(2, 0, 1, 3, 2, 4),
  "conv2d 3x3, 16 channels on 6x6": conv(1, 1, 3, 16, 16, 6),
  "conv2d 3x3, stride 2, 16 channels on 12x12": conv(2, 1, 3, 16, 16, 12),
  "conv2d depthwise": grouped(1, 4, 4, 4, 4),
  "conv2d depthwise, stride 2": grouped(2, 4, 4, 4, 6),
  "conv2d depthwise, stride 2, odd size": grouped(2, 4, 4, 4, 5),
  "conv2d depthwise, 16 channels": grouped(1, 16, 16, 16, 5),
  "conv2d in groups": grouped(1, 2, 4, 6, 4),
  "conv2d in groups, stride 2": grouped(2, 2, 4, 6, 5),
  "conv2d in groups of one channel": grouped(1, 2, 2, 4, 4),
  "maxPool2d 3x3, stride 2": pool(ops.maxPool2d, [3, 2, 1], 6),
  "maxPool2d 3x3, stride 2, odd size": pool(ops.maxPool2d, [3, 2, 1], 5),
  "maxPool2d 2x2": pool(ops.maxPool2d, [2, 2, 0], 4),
  "averagePool2d 2x2": pool(ops.averagePool2d, [2, 2, 0], 5),
  "averagePool2d 3x3, stride 1": pool(ops.averagePool2d, [3, 1, 1], 4),
  "adaptiveAveragePool2d, windows that overlap": {
    size: 5 * 4 * 2,
    f: (x) => ops.square(ops.adaptiveAveragePool2d(ops.square(ops.reshape(x, [1, 5, 4, 2])), 3)),
  },
  "adaptiveAveragePool2d, windows of one size": {
    size: 4 * 6 * 2,
    f: (x) => ops.square(ops.adaptiveAveragePool2d(ops.square(ops.reshape(x, [1, 4, 6, 2])), [2, 3])),
  },
  "batch normalisation": {
    size: 24 + 4,
    f: (x) => {
      const [image, gamma, beta] = parts(x, [2, 2, 3, 2], [2], [2]);
      return ops.tanh(ops.batchNorm2d(image!, gamma!, beta!, 1e-5).y);
    },
  },
  "batch normalisation, its statistics": {
    size: 24 + 4,
    f: (x) => {
      const [image, gamma, beta] = parts(x, [2, 2, 3, 2], [2], [2]);
      const { y, mean, variance } = ops.batchNorm2d(image!, gamma!, beta!, 1e-5);
      return ops.concat([ops.square(ops.sum(y, [0, 1, 2])), ops.square(mean), ops.square(variance)], 0);
    },
  },
  "batch normalisation, of elementary operators": {
    size: 24 + 4,
    f: (x) => {
      const [image, gamma, beta] = parts(x, [2, 2, 3, 2], [2], [2]);
      const centred = ops.sub(image!, ops.mean(image!, [0, 1, 2]));
      const variance = ops.mean(ops.square(centred), [0, 1, 2]);
      return ops.tanh(ops.add(ops.mul(centred, ops.mul(ops.rsqrt(ops.add(variance, 1e-5)), gamma!)), beta!));
    },
  },
};

/** Steps of 1e-2 in float32 on values of order one leave errors of 1e-5 to 1e-4 in a central difference. */
const STEP = 1e-2;
const TOLERANCE = { relative: 2e-3, absolute: 2e-4 };

/**
 * With phi(x) = c . f(x) for fixed random c, and a random unit direction d: d . grad phi against the central difference
 * of phi, and the Hessian times d (the gradient of d . grad phi) against the central difference of the gradient.
 */
async function checkTwice(engine: Pick<Engine, "compile" | "read">, { size, at, f }: Case): Promise<void> {
  const x = at ?? normal([size], "x", 0.7);
  const raw = normal([size], "direction").data;
  const length = Math.hypot(...raw);
  const direction = float32([size], raw.map((value) => value / length));
  const phi = (x: Tensor): Tensor => {
    const y = f(x);
    return ops.sum(ops.mul(y, fixed(y.shape)));
  };
  const program = engine.compile(({ x, direction }: { x: Tensor; direction: Tensor }) => {
    const second = ops.valueAndGrad((x: Tensor) => {
      const first = ops.valueAndGrad((x: Tensor) => ({ value: phi(x) }), x);
      return { value: ops.sum(ops.mul(first.grad, direction)), aux: { value: first.value, grad: first.grad } };
    }, x);
    return { ...second.aux, slope: second.value, hessianTimesDirection: second.grad };
  });
  const moved = (sign: number) => float32([size], x.data.map((value, i) => value + sign * STEP * direction.data[i]!));
  const run = async (x: NdArray) => await ops.takeTree(engine, await program({ x, direction }));
  const here = await run(x);
  const ahead = await run(moved(1));
  const behind = await run(moved(-1));
  const difference = (a: NdArray, b: NdArray) =>
    float32(a.shape, Float32Array.from(a.data, (value, i) => (value - b.data[i]!) / (2 * STEP)));
  assertClose(here.slope, difference(ahead.value, behind.value), TOLERANCE, "first derivative");
  const expected = difference(ahead.grad, behind.grad);
  assertClose(here.hessianTimesDirection, expected, TOLERANCE, "second derivative");
  // A case whose second derivative vanishes would test nothing.
  assert(expected.data.some((value) => Math.abs(value) > 1e-2), "the second derivative of the case is zero");
}

for (const [name, entry] of Object.entries(CASES)) {
  testOnEngines(`second derivative of ${name} equals finite differences`, (engine) => checkTwice(engine, entry));
  testOnEager(`second derivative of ${name} equals finite differences`, () => checkTwice(EAGER, entry));
}

testOnEngines("TensorFlow.js's own log-softmax would fail this test", async (engine) => {
  const { tf } = await import("../../lib/engine/tensorflow.ts");
  let failed = false;
  try {
    await checkTwice(engine, { size: 6, f: (x) => tf.logSoftmax(ops.reshape(x, [2, 3])) });
  } catch {
    failed = true;
  }
  assert(failed, "the finite differences did not notice the wrong second derivative");
}, ["reference"]);
