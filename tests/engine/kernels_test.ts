import { assertEquals } from "@std/assert";
import { float32, int32, type NdArray, rng } from "../../lib/core/mod.ts";
import * as ops from "../../lib/engine/mod.ts";
import type { Engine, Tensor } from "../../lib/engine/mod.ts";
import { tensorflowConvolutions } from "../../lib/engine/libtensorflow/convolutions.ts";
import { tensorflowMaxPool } from "../../lib/engine/libtensorflow/max_pool.ts";
import { encodeGraphDef } from "../../lib/engine/libtensorflow/encode_graph_def.ts";
import { TRACE_KERNELS } from "../../lib/engine/trace/kernels.ts";
import { tf } from "../../lib/engine/tensorflow.ts";
import { trace } from "../../lib/engine/trace/trace.ts";
import { assertClose } from "../testing/assert_close.ts";
import { ENGINES, NATIVE_ENGINES, testOnEngines } from "../testing/engines.ts";
import { normal, uniform } from "../testing/numbers.ts";

interface Case {
  readonly inputs: readonly NdArray[];
  readonly f: (...xs: Tensor[]) => Tensor | Tensor[];
}

const a = normal([2, 3], "a");
const b = normal([2, 3], "b");
const column = normal([2, 1], "column");
const positive = uniform([2, 3], "positive", 0.5, 2);
const classes = int32([4], [2, 0, 1, 2]);
const flags: NdArray = { dtype: "bool", shape: [2, 3], data: Uint8Array.of(1, 0, 0, 1, 1, 0) };
const otherFlags: NdArray = { dtype: "bool", shape: [2, 3], data: Uint8Array.of(1, 1, 0, 0, 1, 0) };
const image = normal([2, 6, 6, 16], "image");
const filter = normal([3, 3, 16, 32], "filter", 0.1);

const pairs = (f: (a: Tensor, b: Tensor) => Tensor): Case => ({
  inputs: [a, b, column],
  f: (
    a,
    b,
    c,
  ) => [
    f(a!, b!),
    f(a!, c!),
    f(c!, b!),
    f(a!, tf.scalar(0.5)),
    f(tf.scalar(0.5), b!),
    f(tf.mul(a!, 3), tf.mul(b!, -2)),
  ],
});
const batchNorm = (x: Tensor, gamma: Tensor, beta: Tensor): Tensor[] => {
  const { y, mean, variance } = ops.batchNorm2d(x, gamma, beta, 1e-3);
  return [y, mean, variance];
};
const normed = [normal([3, 4, 4, 2], "normed", 2), normal([2], "gamma"), normal([2], "beta")];
const each = (f: (x: Tensor) => Tensor, x: NdArray = a): Case => ({
  inputs: [x],
  f: (x) => [f(x!), f(tf.mul(x!, 0.5)), f(tf.ones([2, 2]))],
});
const logical = (f: (a: Tensor, b: Tensor) => Tensor): Case => ({
  inputs: [flags, otherFlags],
  f: (a, b) => f(a!, b!),
});
const reduction = (f: (x: Tensor, axis?: number[], keepDims?: boolean) => Tensor): Case => ({
  inputs: [normal([4, 3, 2, 5], "reduced"), column],
  f: (x, c) => [
    f(x!),
    f(x!, [0]),
    f(x!, [-1], true),
    f(x!, [1, 2]),
    f(x!, [0, 1, 2]),
    f(x!, [0, 2]),
    f(tf.mul(x!, -2), [0, 1], true),
    f(tf.add(c!, tf.zeros([2, 3])), [1]),
    f(tf.add(c!, tf.zeros([2, 3]))),
    f(tf.fill([2, 3], 1.5), [0]),
  ],
});
/** Stride, padding, channels in and out, and side of the image, over every way that a convolution can be written. */
const CONVOLUTIONS = [
  [1, 1, 3, 3, 16, 32, 6],
  [2, 1, 3, 3, 16, 32, 12],
  [1, 1, 3, 3, 3, 16, 8],
  [1, 1, 3, 3, 16, 3, 8],
  [2, 1, 3, 3, 16, 16, 7],
  [1, 0, 1, 1, 16, 32, 6],
  [2, 0, 1, 1, 16, 32, 6],
  [2, 0, 1, 1, 16, 32, 7],
  [1, 1, 3, 3, 16, 16, 4],
  [1, 2, 5, 5, 4, 8, 9],
  [2, 3, 7, 7, 3, 16, 16],
  [3, 1, 3, 3, 16, 16, 9],
  [1, 0, 3, 3, 20, 24, 6],
  [2, 1, 4, 4, 16, 16, 8],
  [1, 1, 3, 3, 32, 32, 32],
] as const;
const convolutions = (
  f: (x: Tensor, w: Tensor, dy: Tensor, attributes: { strides: number; pad: "valid" | ExplicitPadding }) => Tensor,
): Case => ({
  inputs: CONVOLUTIONS.flatMap(([stride, padding, kh, kw, inputs, outputs, side]) => {
    const out = Math.floor((side + 2 * padding - kh) / stride) + 1;
    return [
      normal([2, side, side, inputs], "x"),
      normal([kh, kw, inputs, outputs], "w", 0.2),
      normal([2, out, out, outputs], "dy"),
    ];
  }),
  f: (...xs) =>
    CONVOLUTIONS.map(([stride, padding], i) => {
      const pad = padding === 0 ? "valid" : [[0, 0], [padding, padding], [padding, padding], [0, 0]] as ExplicitPadding;
      return f(xs[3 * i]!, xs[3 * i + 1]!, xs[3 * i + 2]!, { strides: stride, pad });
    }),
});
/** Stride, groups, channels in and out, and side of the image. */
const GROUPED = [
  [1, 32, 32, 32, 6],
  [2, 32, 32, 32, 8],
  [2, 16, 16, 16, 7],
  [1, 6, 6, 6, 5],
  [1, 4, 16, 32, 6],
  [2, 4, 32, 16, 6],
  [1, 4, 4, 8, 5],
] as const;
const groupedConvolutions = (
  kernel: string,
  f: (x: Tensor, w: Tensor, dy: Tensor) => [inputs: Record<string, Tensor>, attributes: Record<string, number[]>],
): Case => ({
  inputs: GROUPED.flatMap(([stride, groups, inputs, outputs, side]) => {
    const out = Math.ceil(side / stride);
    return [
      normal([2, side, side, inputs], "x"),
      normal([3, 3, inputs / groups, outputs], "w", 0.2),
      normal([2, out, out, outputs], "dy"),
    ];
  }),
  f: (...xs) =>
    GROUPED.map(([stride], i) => {
      const [inputs, attributes] = f(xs[3 * i]!, xs[3 * i + 1]!, xs[3 * i + 2]!);
      return tf.engine().runKernel(kernel, inputs, { stride, padding: 1, ...attributes }) as Tensor;
    }),
});
/** Size, stride and padding of windows, and height and width of the image; values of a few numbers, so with many equals. */
const POOLS = [
  [3, 2, 1, 8, 8],
  [3, 2, 1, 7, 6],
  [2, 2, 0, 5, 6],
  [3, 1, 1, 4, 5],
  [2, 3, 0, 7, 7],
] as const;
const few = (array: NdArray): NdArray =>
  float32(array.shape, Float32Array.from(array.data, (value) => Math.max(0, Math.round(value))));
const pools = (
  kernel: string,
  f: (x: Tensor, like: Tensor, dy: Tensor) => Record<string, Tensor>[],
): Case => ({
  inputs: POOLS.flatMap(([size, stride, padding, height, width]) => {
    const [rows, columns] = [height, width].map((length) => Math.floor((length + 2 * padding - size) / stride) + 1);
    const shape = [2, height, width, 5];
    return [few(normal(shape, "pooled")), normal(shape, "v"), normal([2, rows!, columns!, 5], "dy")];
  }),
  f: (...xs) =>
    POOLS.flatMap(([size, stride, padding], i) =>
      f(xs[3 * i]!, xs[3 * i + 1]!, xs[3 * i + 2]!).map((inputs) =>
        tf.engine().runKernel(kernel, inputs, { size, stride, padding }) as Tensor
      )
    ),
});
type ExplicitPadding = [[number, number], [number, number], [number, number], [number, number]];

/** A use of each kernel that the native engine covers. */
const CASES: Readonly<Record<string, Case>> = {
  Add: pairs(tf.add),
  Sub: pairs(tf.sub),
  Multiply: pairs(tf.mul),
  RealDiv: pairs(tf.div),
  Maximum: pairs(tf.maximum),
  Minimum: pairs(tf.minimum),
  Pow: { inputs: [positive, b], f: (x, y) => [tf.pow(x!, y!), tf.pow(x!, tf.scalar(2))] },
  SquaredDifference: pairs(tf.squaredDifference),
  Greater: pairs(tf.greater),
  GreaterEqual: pairs(tf.greaterEqual),
  Less: pairs(tf.less),
  LessEqual: pairs(tf.lessEqual),
  Equal: { inputs: [int32([3], [1, 2, 3]), int32([3], [1, 0, 3])], f: (x, y) => tf.equal(x!, y!) },
  BatchNorm: {
    inputs: normed,
    f: (x, gamma, beta) => [x!, tf.mul(x!, -3), tf.relu(x!)].flatMap((x) => batchNorm(x, gamma!, beta!)),
  },
  BatchNormGrad: {
    inputs: [...normed, normal([3, 4, 4, 2], "dy")],
    f: (x, gamma, beta, dy) =>
      [[dy!, x!], [tf.mul(dy!, 2), x!], [dy!, tf.mul(x!, -3)], [tf.ones([3, 4, 4, 2]), x!]].flatMap(([dy, x]) => {
        const at = { x: x!, gamma: gamma!, beta: beta! };
        const { grad } = ops.valueAndGrad(({ x, gamma, beta }: typeof at) => ({
          value: ops.sum(ops.mul(ops.batchNorm2d(x, gamma, beta, 1e-3).y, dy!)),
        }), at);
        return [grad.x, grad.gamma, grad.beta];
      }),
  },
  Gelu: each((x) => tf.concat([ops.gelu(x, "none"), ops.gelu(x, "tanh")], 0)),
  GeluGrad: each((x) =>
    tf.concat(
      (["none", "tanh"] as const).map((approximate) =>
        tf.engine().runKernel("GeluGrad", { x }, { approximate }) as Tensor
      ),
      0,
    )
  ),
  LayerNorm: {
    inputs: [normal([4, 6], "rows", 3), normal([2, 3, 5], "more rows")],
    f: (x, y) => [x!, tf.mul(x!, -2), tf.ones([2, 3]), y!].map((x) => ops.normaliseRows(x, 1e-2)),
  },
  LayerNormGrad: {
    inputs: [normal([4, 6], "rows", 3), normal([4, 6], "dz")],
    f: (x, dz) =>
      [[dz!, x!], [tf.mul(dz!, 3), tf.mul(x!, -2)], [tf.ones([4, 6]), x!]].map(([dz, x]) =>
        tf.engine().runKernel("LayerNormGrad", { dz: dz!, x: x! }, { epsilon: 1e-2 }) as Tensor
      ),
  },
  MaxPool2D: pools("MaxPool2D", (x, v) => [x, v, tf.mul(x, 2), tf.mul(x, -2), tf.ones(x.shape)].map((x) => ({ x }))),
  MaxPool2DGrad: pools("MaxPool2DGrad", (x, v, dy) => [
    { dy, x },
    { dy, x: v },
    { dy: tf.mul(dy, 3), x: tf.mul(x, 2) },
    { dy, x: tf.mul(x, -2) },
    { dy: tf.ones(dy.shape), x: tf.ones(x.shape) },
  ]),
  MaxPool2DPick: pools("MaxPool2DPick", (x, v) => [
    { v, x },
    { v: x, x: v },
    { v: tf.mul(v, 3), x: tf.mul(x, 2) },
    { v, x: tf.mul(x, -2) },
    { v: tf.ones(v.shape), x: tf.ones(x.shape) },
  ]),
  Softmax: {
    inputs: [a, normal([2, 3, 4], "scores", 5), column],
    f: (x, y, c) => [x!, tf.mul(y!, -3), tf.ones([2, 2]), tf.add(c!, tf.zeros([2, 3]))].map((x) => tf.softmax(x)),
  },
  NotEqual: { inputs: [int32([3], [1, 2, 3]), int32([3], [1, 0, 3])], f: (x, y) => tf.notEqual(x!, y!) },
  LogicalAnd: logical(tf.logicalAnd),
  LogicalOr: logical(tf.logicalOr),
  LogicalNot: { inputs: [flags], f: (x) => tf.logicalNot(x!) },
  Sqrt: each(tf.sqrt, positive),
  Exp: each(tf.exp),
  Log: each(tf.log, positive),
  Abs: each(tf.abs),
  Reciprocal: each(tf.reciprocal, positive),
  Sigmoid: each(tf.sigmoid),
  Tanh: each(tf.tanh),
  Sign: each(tf.sign),
  Softplus: each(tf.softplus),
  Erf: each(tf.erf),
  Floor: each(tf.floor),
  Ceil: each(tf.ceil),
  Neg: each(tf.neg),
  Rsqrt: each(tf.rsqrt, positive),
  Square: each(tf.square),
  Relu: { inputs: [a], f: (x) => [tf.relu(x!), tf.relu(tf.mul(x!, 2)), tf.relu(tf.mul(x!, -2))] },
  Step: {
    inputs: [a],
    f: (x) => [tf.step(x!), tf.step(tf.mul(x!, 2)), tf.step(tf.neg(x!)), tf.step(x!, -1), tf.step(tf.zerosLike(x!))],
  },
  ClipByValue: each((x) => tf.clipByValue(x, -0.5, 0.7)),
  Identity: each(tf.clone),
  Cast: {
    inputs: [a, flags, classes],
    f: (
      x,
      y,
      z,
    ) => [
      tf.cast(x!, "int32"),
      tf.cast(y!, "float32"),
      tf.cast(z!, "float32"),
      tf.cast(z!, "bool"),
      tf.cast(tf.ones([2], "bool"), "float32"),
    ],
  },
  ZerosLike: each(tf.zerosLike),
  OnesLike: each(tf.onesLike),
  Fill: { inputs: [a], f: (x) => tf.add(x!, tf.fill([2, 3], 2.5)) },
  Sum: reduction((x, axis, keep) => tf.sum(x, axis, keep)),
  Mean: reduction((x, axis, keep) => tf.mean(x, axis, keep)),
  Max: reduction((x, axis, keep) => tf.max(x, axis, keep)),
  Min: reduction((x, axis, keep) => tf.min(x, axis, keep)),
  ArgMax: { inputs: [a], f: (x) => [tf.argMax(x!, 1), tf.argMax(x!, 0), tf.argMax(tf.neg(x!), -1)] },
  ArgMin: { inputs: [a], f: (x) => [tf.argMin(x!, 1), tf.argMin(x!, 0)] },
  Reshape: {
    inputs: [a, column],
    f: (
      x,
      c,
    ) => [
      tf.reshape(x!, [3, 2]),
      tf.reshape(x!, [-1]),
      tf.reshape(tf.add(c!, tf.zeros([2, 3])), [2, 1, 3]),
      tf.reshape(tf.add(c!, tf.zeros([2, 3])), [6]),
    ],
  },
  ExpandDims: { inputs: [a], f: (x) => [tf.expandDims(x!, 1), tf.expandDims(x!, -1)] },
  Transpose: {
    inputs: [a, column],
    f: (
      x,
      c,
    ) => [
      tf.transpose(x!),
      tf.transpose(tf.add(c!, tf.zeros([2, 3])), [1, 0]),
      tf.transpose(tf.transpose(tf.reshape(x!, [1, 2, 3]), [2, 0, 1]), [1, 2, 0]),
    ],
  },
  Tile: {
    inputs: [a, column],
    f: (x, c) => [tf.tile(x!, [2, 1]), tf.tile(c!, [1, 3]), tf.tile(tf.ones([2, 2]), [1, 2])],
  },
  Slice: {
    inputs: [a, column],
    f: (
      x,
      c,
    ) => [
      tf.slice(x!, [0, 1], [2, 2]),
      tf.slice(x!, [1], [1]),
      tf.slice(tf.add(c!, tf.zeros([2, 3])), [0, 1], [1, -1]),
    ],
  },
  PadV2: { inputs: [a], f: (x) => [tf.pad(x!, [[0, 1], [2, 0]]), tf.pad(tf.mul(x!, 2), [[1, 1], [0, 0]], 0.5)] },
  Concat: {
    inputs: [a, b],
    f: (x, y) => [tf.concat([x!, y!], 0), tf.concat([x!, tf.ones([2, 1]), tf.mul(y!, 2)], -1)],
  },
  Pack: { inputs: [a, b], f: (x, y) => [tf.stack([x!, y!], 0), tf.stack([x!, y!], 1), tf.stack([x!, y!], -1)] },
  SplitV: { inputs: [a], f: (x) => [...tf.split(x!, [1, 2], 1), ...tf.split(tf.mul(x!, 3), 2, 0)] },
  Select: {
    inputs: [flags, a, b],
    f: (c, x, y) => {
      const ofRows = tf.slice(c!, [0, 0], [2, 1]);
      const ofColumns = tf.slice(c!, [1, 0], [1, 3]);
      return [
        tf.where(c!, x!, y!),
        tf.where(c!, tf.ones([2, 3]), tf.mul(y!, 2)),
        tf.where(ofRows, x!, tf.mul(y!, 2)),
        tf.where(ofRows, tf.ones([2, 3]), y!),
        tf.where(ofColumns, x!, y!),
      ];
    },
  },
  GatherV2: { inputs: [a, int32([3], [1, 0, 1])], f: (x, i) => [tf.gather(x!, i!), tf.gather(tf.mul(x!, 2), i!, 1)] },
  OneHot: { inputs: [classes], f: (y) => [tf.oneHot(y!, 3), tf.oneHot(y!, 4, 2, -1)] },
  AddN: { inputs: [a, b], f: (x, y) => tf.addN([x!, y!, x!]) },
  BatchMatMul: {
    inputs: [normal([3, 2], "m"), normal([3, 4], "n"), normal([2, 3, 2], "p"), normal([2, 4, 3], "q")],
    f: (
      m,
      n,
      p,
      q,
    ) => [
      tf.matMul(tf.mul(m!, 2), n!, true),
      tf.matMul(n!, m!, true, false),
      tf.matMul(p!, q!, true, true),
      tf.matMul(q!, p!),
    ],
  },
  Conv2D: convolutions((x, w, _, { strides, pad }) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad)),
  Conv2DBackpropInput: convolutions((x, filter, dy, { strides, pad }) =>
    tf.engine().runKernel("Conv2DBackpropInput", { dy, filter }, {
      strides,
      pad,
      dataFormat: "NHWC",
      inputShape: x.shape as [number, number, number, number],
    }) as Tensor
  ),
  Conv2DBackpropFilter: convolutions((x, w, dy, { strides, pad }) =>
    tf.engine().runKernel("Conv2DBackpropFilter", { x, dy }, {
      strides,
      pad,
      dataFormat: "NHWC",
      filterShape: w.shape as [number, number, number, number],
    }) as Tensor
  ),
  GroupedConv2D: groupedConvolutions("GroupedConv2D", (x, w) => [{ x, w }, {}]),
  GroupedConv2DBackpropInput: groupedConvolutions(
    "GroupedConv2DBackpropInput",
    (x, w, dy) => [{ dy, w }, { inputShape: x.shape }],
  ),
  GroupedConv2DBackpropFilter: groupedConvolutions(
    "GroupedConv2DBackpropFilter",
    (x, w, dy) => [{ x, dy }, { filterShape: w.shape }],
  ),
};

const TOLERANCE = { relative: 2e-6, absolute: 2e-6 };
/**
 * A GPU may miss a quotient by 2.5 units in the last place, exp(x) by 3 + 2|x| and log(x) near 1 by 2^-21 (Vulkan 1.3,
 * "Precision of core SPIR-V Instructions"); powers, tanh, softplus and erf are made of these.
 */
const GPU_TOLERANCE = { relative: 1e-5, absolute: 1e-5 };

async function outputs(engine: Engine, { inputs, f }: Case): Promise<NdArray[]> {
  const program = engine.compile(({ xs }: { xs: Tensor[] }) => {
    const result = f(...xs);
    return { ys: Array.isArray(result) ? result : [result] };
  }, { name: "kernel case" });
  return (await ops.takeTree(engine, await program({ xs: [...inputs] }))).ys;
}

async function compare(engine: Engine, entry: Case): Promise<void> {
  const expected = await outputs(await ENGINES.reference!(), entry);
  const actual = await outputs(engine, entry);
  assertEquals(actual.length, expected.length);
  const tolerance = engine.device === "webgpu" ? GPU_TOLERANCE : TOLERANCE;
  actual.forEach((array, i) => assertClose(array, expected[i]!, tolerance, `output ${i}`));
}

Deno.test("every kernel of the native engine has a case", () => {
  assertEquals(Object.keys(CASES).sort(), Object.keys(TRACE_KERNELS).sort());
});

Deno.test("every kernel can be written for TensorFlow, also where its library is missing", () => {
  const convolutions = tensorflowConvolutions;
  const target = { engine: "tensorflow", convolutions, maxPool: tensorflowMaxPool, blockSize: 0 } as const;
  for (const [name, { inputs, f }] of Object.entries(CASES)) {
    const fn = (xs: unknown) => ({ ys: [f(...xs as Tensor[])].flat() });
    encodeGraphDef(trace(fn, [...inputs], { name, target }).graph);
  }
});

for (const [name, entry] of Object.entries(CASES)) {
  testOnEngines(`kernel ${name} agrees with the reference`, (engine) => compare(engine, entry), NATIVE_ENGINES);
}

testOnEngines("convolutions take factors and constants out of their operands", async (engine) => {
  await compare(engine, {
    inputs: [image, filter],
    f: (x, w) => [
      tf.conv2d(tf.mul(x!, 3) as tf.Tensor4D, tf.mul(w!, -0.5) as tf.Tensor4D, 1, "same"),
      tf.conv2d(tf.ones([2, 6, 6, 16]) as tf.Tensor4D, w as tf.Tensor4D, 1, "same"),
      tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 2, "same"),
    ],
  });
}, NATIVE_ENGINES);

testOnEngines("convolutions in groups take a bias and a ReLU after them", async (engine) => {
  await compare(engine, {
    inputs: [image, normal([3, 3, 1, 16], "depthwise"), normal([3, 3, 4, 8], "grouped", 0.2), normal([16], "bias")],
    f: (x, depthwise, grouped, bias) => [
      tf.relu(tf.add(ops.conv2d(x!, depthwise!, 1, 1, 16), bias!)),
      tf.relu(tf.add(ops.conv2d(tf.mul(x!, -2), grouped!, 1, 1, 4), tf.slice(bias!, [0], [8]))),
    ],
  });
}, NATIVE_ENGINES);

testOnEngines("extreme factors do not overflow when they meet", async (engine) => {
  await compare(engine, {
    inputs: [a, uniform([2, 3], "zeros and ones", 0, 2)],
    f: (x, y) => {
      const hot = tf.floor(y!);
      const logits = tf.div(x!, 64);
      const masked = tf.sub(logits, tf.mul(hot, 2e38));
      return [
        tf.argMax(masked, -1),
        tf.maximum(masked, -1),
        tf.add(tf.mul(x!, 1e-30), tf.mul(hot, 1e-2)),
        tf.mul(tf.mul(tf.mul(x!, 1e-20), 1e-20), 1e20),
        tf.matMul(tf.mul(logits, 1e-20), tf.mul(hot, 1e20), false, true),
      ];
    },
  });
}, NATIVE_ENGINES);

/** Random expressions over the symbolic shortcuts: factors, constants, promised broadcasts, shared subexpressions. */
function randomExpression(seed: number): Case {
  const numbers = rng(seed, "expression").integers(400, 1 << 20);
  let next = 0;
  const pick = (below: number) => numbers[next++ % numbers.length]! % below;
  const f = (...inputs: Tensor[]): Tensor[] => {
    next = 0;
    const known: Tensor[] = [...inputs, tf.ones([2, 3]), tf.scalar(2), tf.zeros([3])];
    for (let i = 0; i < 25; i++) {
      const x = known[pick(known.length)]!;
      const y = known[pick(known.length)]!;
      const fits = x.rank <= 2 && y.rank <= 2;
      const make: readonly (() => Tensor)[] = [
        () => fits ? tf.add(x, y) : x,
        () => fits ? tf.sub(x, y) : x,
        () => fits ? tf.mul(x, y) : x,
        () => fits ? tf.div(x, tf.add(tf.abs(y), 0.5)) : x,
        () => tf.mul(x, -1.5),
        () => tf.sub(0.25, x),
        () => tf.div(x, 4),
        () => tf.relu(x),
        () => tf.step(x),
        () => tf.tanh(x),
        () => x.rank > 0 ? tf.sum(x, pick(x.rank), true) : x,
        () => x.rank > 0 ? tf.mean(x, [...x.shape.keys()], true) : x,
        () => x.rank === 2 ? tf.add(tf.sum(x, 1, true), tf.zeros([x.shape[0]!, 3])) : x,
        () => x.rank === 2 ? tf.transpose(tf.transpose(x)) : x,
        () => x.rank === 2 ? tf.reshape(tf.reshape(x, [-1]), x.shape) : x,
        () => tf.where(tf.greater(x, 0.1), x, tf.zerosLike(x)),
      ];
      const made = tf.clipByValue(make[pick(make.length)]!(), -20, 20);
      // Only shapes that broadcast with [2, 3] go on.
      if (
        made.rank <= 2 && made.shape.every((length, axis) => length === 1 || length === [2, 3].at(axis - made.rank))
      ) known.push(made);
    }
    return known.slice(-6);
  };
  return { inputs: [a, column, normal([3], "row")], f };
}

for (const seed of Array.from({ length: 30 }, (_, i) => i)) {
  testOnEngines(`random expression ${seed} agrees with the reference`, async (engine) => {
    const entry = randomExpression(seed);
    const expected = await outputs(await ENGINES.reference!(), entry);
    const actual = await outputs(engine, entry);
    // A chain of 25 operations on numbers up to 20, with quotients: 1e-4 of the largest.
    actual.forEach((array, i) => assertClose(array, expected[i]!, { relative: 1e-4, absolute: 1e-5 }, `output ${i}`));
  }, ["onnxruntime", "onnxruntime on webgpu", "tensorflow"]);
}
