import { assert, assertEquals } from "@std/assert";
import { int32, type NdArray } from "../../../../lib/core/mod.ts";
import * as ops from "../../../../lib/engine/ops.ts";
import { tf } from "../../../../lib/engine/tensorflow.ts";
import type { Tensor } from "../../../../lib/engine/mod.ts";
import { assertClose } from "../../../testing/assert_close.ts";
import { testOnEager } from "../../../testing/eager.ts";
import { normal, uniform } from "../../../testing/numbers.ts";

/** Uses of an operator; everything in it is made on the backend that is active when it is called. */
type Case = () => Tensor | Tensor[];

const of = (array: NdArray): Tensor => ops.constant(array);
const a = () => of(normal([2, 3], "a"));
const b = () => of(normal([2, 3], "b"));
const column = () => of(normal([2, 1], "column"));
const positive = () => of(uniform([2, 3], "positive", 0.5, 2));
const cube = () => of(normal([4, 3, 2], "cube"));
const flags = () => of({ dtype: "bool", shape: [2, 3], data: Uint8Array.of(1, 0, 0, 1, 1, 0) });
const classes = () => of(int32([4], [2, 0, 1, 2]));
const image = () => of(normal([2, 7, 7, 3], "image"));
const filter = () => of(normal([3, 3, 3, 4], "filter"));
const perChannel = (key: string) => of(uniform([3], key, 0.5, 2));
const text = () => tf.tensor(["", "naïve", "a string that does not fit into twenty-two bytes", "x"], [2, 2], "string");

const pairs = (f: (a: ops.Operand, b: ops.Operand) => Tensor): Case => () => [
  f(a(), b()),
  f(a(), column()),
  f(a(), 0.5),
  f(0.5, b()),
];
const each =
  (f: (x: Tensor) => Tensor, x: () => Tensor = a): Case => () => [f(x()), f(tf.scalar(0.7)), f(tf.ones([0, 2]))];
const reduction = (f: (x: Tensor, axis?: number | number[], keepDims?: boolean) => Tensor): Case => () => [
  f(cube()),
  f(cube(), 0),
  f(cube(), [1, 2], true),
];
/** The gradients by image and filter, with dy = 1. */
const convolution =
  (stride: number, padding: number, x: () => Tensor = image, w: () => Tensor = filter): Case => () => {
    const gradients = tf.grads((x, w) => ops.conv2d(x, w, stride, padding))([x(), w()]);
    return [ops.conv2d(x(), w(), stride, padding), ...gradients];
  };

/** Every operator of ops.ts under its name, and others of TensorFlow.js. */
const CASES: Readonly<Record<string, Case>> = {
  add: pairs(ops.add),
  sub: pairs(ops.sub),
  mul: pairs(ops.mul),
  div: pairs(ops.div),
  maximum: pairs(ops.maximum),
  minimum: pairs(ops.minimum),
  neg: each(ops.neg),
  abs: each(ops.abs),
  sign: each(ops.sign),
  square: each(ops.square),
  sqrt: each(ops.sqrt, positive),
  rsqrt: each(ops.rsqrt, positive),
  exp: each(ops.exp),
  log: each(ops.log, positive),
  relu: each(ops.relu),
  sigmoid: each(ops.sigmoid),
  tanh: each(ops.tanh),
  softplus: each(ops.softplus),
  gelu: each((x) => ops.add(ops.gelu(x), ops.gelu(x, "tanh"))),
  clip: each((x) => ops.clip(x, -0.5, 0.5)),
  sum: reduction(ops.sum),
  mean: reduction(ops.mean),
  maxConstant: reduction(ops.maxConstant),
  argMax: () => [ops.argMax(cube(), 0), ops.argMax(cube(), -1)],
  reshape: () => [ops.reshape(cube(), [6, -1]), ops.reshape(tf.scalar(3), [1, 1])],
  transpose: () => [ops.transpose(cube(), [2, 0, 1]), ops.transpose(classes(), [0])],
  concat: () => [ops.concat([a(), b(), column()], 1), ops.concat([flags(), flags()], 0), ops.concat([a()], 0)],
  slice: () => [ops.slice(cube(), [1, 0, 1], [2, 2, 1]), ops.slice(cube(), [3, 0, 0], [0, 3, 2])],
  pad: () => ops.pad(a(), [[1, 0], [0, 2]]),
  broadcastTo: () => ops.broadcastTo(column(), [3, 2, 3]),
  matMul: () => [
    ops.matMul(a(), b(), true, false),
    ops.matMul(a(), b(), false, true),
    ops.matMul(cube(), of(normal([4, 2, 5], "right"))),
  ],
  conv2d: () =>
    [
      [1, 0],
      [1, 1],
      [2, 0],
      [2, 1],
      [3, 2],
    ].flatMap(([stride, padding]) => convolution(stride!, padding!)()),
  "convolution in groups": () => {
    const filter = (shape: number[]) => of(normal(shape, "groups"));
    return [
      ops.conv2d(image(), filter([3, 3, 1, 3]), 2, 1, 3),
      ops.conv2d(image(), filter([3, 3, 1, 6]), 1, 1, 3),
    ];
  },
  batchNorm2d: () => {
    const x = image();
    const { y, mean, variance } = ops.batchNorm2d(x, perChannel("gamma"), perChannel("beta"), 1e-3);
    return [y, mean, variance];
  },
  maxPool2d: () => [ops.maxPool2d(image(), 3, 2, 1), ops.maxPool2d(image(), 2, 2, 0)],
  averagePool2d: () => [ops.averagePool2d(image(), 3, 2, 1), ops.averagePool2d(image(), 2, 2, 0)],
  adaptiveAveragePool2d: () => [ops.adaptiveAveragePool2d(image(), 2), ops.adaptiveAveragePool2d(image(), [3, 1])],
  normaliseRows: () => [ops.normaliseRows(cube(), 1e-3), ops.normaliseRows(a(), 1e-3)],
  greater: pairs(ops.greater),
  greaterEqual: pairs(ops.greaterEqual),
  equal: () => ops.equal(classes(), tf.scalar(2, "int32")),
  logicalAnd: () => ops.logicalAnd(flags(), ops.greater(a(), 0)),
  logicalNot: () => ops.logicalNot(flags()),
  where: () => ops.where(flags(), a(), b()),
  cast:
    () => [ops.cast(a(), "int32"), ops.cast(flags(), "float32"), ops.cast(classes(), "bool"), ops.cast(a(), "bool")],
  oneHot: () => ops.oneHot(classes(), 3),
  takeRows: () => ops.takeRows(cube(), classes()),
  zeros: () => [ops.zeros([2, 2]), ops.zeros([])],
  zerosLike: () => ops.zerosLike(flags()),
  ones: () => ops.ones([3]),
  constant: () => [of(normal([2], "constant")), flags(), classes()],
  stopGradient: each(ops.stopGradient),
  constantOf: () => ops.constantOf((x) => tf.max(x), a()),
  logSoftmax: () => ops.logSoftmax(a()),
  softmax: () => ops.softmax(a()),

  "gather": () => [tf.gather(a(), of(int32([3], [1, 0, 1]))), tf.gather(a(), of(int32([2], [2, 0])), 1)],
  "topk": () => {
    const { values, indices } = tf.topk(a(), 2);
    return [values, indices];
  },
  "cumsum": () => [tf.cumsum(cube(), 1), tf.cumsum(cube(), 0, true, true)],
  "one-hot of other values": () => tf.oneHot(classes(), 3, 5, -1),
  "stack and unstack": () => [tf.stack([a(), b()], 1), ...tf.unstack(cube(), 0)],
  "addN": () => tf.addN([a(), b(), a()]),
  split: () => [...ops.split(cube(), 3, 1), ...ops.split(a(), 1, 0)],
  "split in other parts": () => tf.split(cube(), [1, 2], 1),
  "tile": () => tf.tile(a(), [2, 1]),
  "reverse": () => tf.reverse(cube(), [0, 2]),
  "prod": () => tf.prod(cube(), 0),
  "all and any": () => [tf.all(flags(), 1), tf.any(flags(), 0)],
  "max pool": () => tf.maxPool(image() as tf.Tensor4D, 3, 2, "same"),
  "depthwise convolution": () =>
    tf.depthwiseConv2d(image() as tf.Tensor4D, of(normal([3, 3, 3, 2], "depthwise")) as tf.Tensor4D, 1, "same"),
  "resize": () => tf.image.resizeBilinear(image() as tf.Tensor4D, [5, 9]),
  "einsum": () => tf.einsum("ijk,jk->i", cube(), of(normal([3, 2], "weights"))),
  "unique": () => {
    const { values, indices } = tf.unique(classes());
    return [values, indices];
  },
  "strings": () => [text(), tf.reshape(text(), [4]), tf.concat([text(), text()], 1), tf.tensor([], [0], "string")],
  "complex numbers": () => {
    const z = tf.complex(a(), b());
    const squared = tf.mul(z, z);
    return [tf.real(squared), tf.imag(squared), tf.abs(z), tf.real(tf.spectral.fft(z)), tf.imag(tf.spectral.rfft(a()))];
  },
};

/** The outputs of a case on the active backend, as arrays; TensorFlow.js has strings, too. */
function outputsOf(f: Case): (NdArray | { dtype: "string"; shape: number[]; data: string[] })[] {
  const tensors = tf.tidy(() => [f()].flat());
  const arrays = tensors.map((x) => ({ dtype: x.dtype, shape: x.shape, data: x.dataSync().slice() }));
  tf.dispose(tensors);
  return arrays as unknown as NdArray[];
}

/** Sums of up to 50 products of numbers around 1 in float32. */
const TOLERANCE = { relative: 5e-6, absolute: 1e-6 };

Deno.test("every operator of ops.ts has a case for the eager backend", () => {
  const operators = Object.entries(ops).filter(([, value]) => typeof value === "function").map(([name]) => name);
  assertEquals(operators.filter((name) => !(name in CASES)), []);
});

for (const [name, f] of Object.entries(CASES)) {
  testOnEager(`${name} agrees with TensorFlow.js's plain kernels`, ({ tf }) => {
    const actual = outputsOf(f);
    tf.setBackend("cpu");
    const expected = outputsOf(f);
    tf.setBackend("tensorflow");
    assertEquals(actual.length, expected.length);
    actual.forEach((output, index) => {
      const other = expected[index]!;
      if (output.dtype === "string" || other.dtype === "string") assertEquals(output, other);
      else assertClose(output, other, TOLERANCE, `output ${index}`);
    });
  });
}

testOnEager("a complex tensor keeps its pairs of numbers", () => {
  const z = tf.complex([1, 2], [-3, 0.5]);
  assert(z.dtype === "complex64");
  assertEquals(z.dataSync<"complex64">(), Float32Array.of(1, -3, 2, 0.5));
  z.dispose();
});

testOnEager("tensors move to another backend and back", () => {
  const x = tf.tensor([1, 2, 3]);
  const words = tf.tensor(["a", "b"]);
  tf.tidy(() => tf.add(x, 1).dataSync());
  tf.tidy(() => tf.reshape(words, [2, 1]).dataSync());
  tf.setBackend("cpu");
  assertEquals([...tf.tidy(() => tf.add(x, 1).dataSync())], [2, 3, 4]);
  assertEquals([...tf.tidy(() => tf.reshape(words, [2, 1]).dataSync())] as unknown[], ["a", "b"]);
  tf.setBackend("tensorflow");
  assertEquals([...tf.tidy(() => tf.mul(x, 2).dataSync())], [2, 4, 6]);
  tf.dispose([x, words]);
});
