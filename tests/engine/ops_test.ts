import { assertEquals, assertThrows } from "@std/assert";
import { float32, type NdArray } from "../../lib/core/mod.ts";
import * as ops from "../../lib/engine/mod.ts";
import type { Engine, Tensor } from "../../lib/engine/mod.ts";
import { assertClose } from "../testing/assert_close.ts";
import { testOnEngines } from "../testing/engines.ts";

const run = async (engine: Engine, f: (...xs: Tensor[]) => Tensor, ...xs: NdArray[]): Promise<NdArray> => {
  const program = engine.compile(({ xs }: { xs: Tensor[] }) => ({ y: f(...xs) }));
  return (await ops.takeTree(engine, await program({ xs }))).y;
};
const range = (shape: number[]) =>
  float32(shape, Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i + 1));

// With many equals. Values and gradients of PyTorch 2.13: max_pool2d(x, size, stride, padding), weighted by 1, 2, 3, ...
const TIED = float32(
  [1, 5, 5, 1],
  [1, 3, 3, 0, 2, 3, 3, 1, 5, 5, 0, 2, 2, 5, 1, 4, 1, 0, 0, 0, 4, 4, 0, 0, -1],
);
const POOLS = [
  {
    window: [3, 2, 1],
    largest: [3, 5, 5, 4, 5, 5, 4, 4, 0],
    gradient: [0, 1, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 11, 0, 0, 9, 0, 0, 8, 0, 0, 0],
    mean: [10 / 9, 15 / 9, 12 / 9, 13 / 9, 19 / 9, 16 / 9, 13 / 9, 5 / 9, -1 / 9],
  },
  {
    window: [2, 2, 0],
    largest: [3, 5, 4, 5],
    gradient: [0, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 4, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    mean: [2.5, 2.25, 1.75, 1.75],
  },
] as const;

for (const { window: [size, stride, padding], largest, gradient, mean } of POOLS) {
  testOnEngines(
    `maxPool2d() of ${size}x${size} gives the gradient to the first of equals, as PyTorch`,
    async (engine) => {
      const y = await run(engine, (x) => ops.maxPool2d(x, size, stride, padding), TIED);
      assertEquals([...y.data], [...largest]);
      const weighted = (x: Tensor) => {
        const y = ops.maxPool2d(x, size, stride, padding);
        return { value: ops.sum(ops.mul(y, ops.constant(range(y.shape)))) };
      };
      const grad = await run(engine, (x) => ops.valueAndGrad(weighted, x).grad, TIED);
      assertEquals([...grad.data], [...gradient]);
    },
  );

  testOnEngines(`averagePool2d() of ${size}x${size} counts the zeros around the image, as PyTorch`, async (engine) => {
    const y = await run(engine, (x) => ops.averagePool2d(x, size, stride, padding), TIED);
    assertClose(y, float32(y.shape, mean), { relative: 1e-6, absolute: 1e-7 }, "mean");
  });
}

// PyTorch 2.13: adaptive_avg_pool2d of x = arange(1, H W + 1)^2 / 10 as NHWC, and its gradient weighted by 1, 2, 3, ...
const ADAPTIVE: readonly {
  readonly shape: number[];
  readonly size: number | readonly [number, number];
  readonly y: number[];
  readonly gradient: number[];
}[] = [
  {
    shape: [1, 5, 3, 1],
    size: [3, 2],
    y: [1.15, 1.85, 6.25, 7.85, 14.65, 17.15],
    gradient: [0.25, 0.75, 0.5, 0.75, 1.9167, 1.1667, 0.5, 1.1667, 0.66667, 1.75, 3.9167, 2.1667, 1.25, 2.75, 1.5],
  },
  {
    shape: [1, 2, 6, 1],
    size: [1, 3],
    y: [2.95, 5.15, 8.15],
    gradient: [0.25, 0.25, 0.5, 0.5, 0.75, 0.75, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75],
  },
  {
    shape: [1, 2, 3, 1],
    size: 3,
    y: [0.1, 0.4, 0.9, 0.85, 1.45, 2.25, 1.6, 2.5, 3.6],
    gradient: [3, 4.5, 6, 9, 10.5, 12],
  },
];

for (const { shape, size, y, gradient } of ADAPTIVE) {
  testOnEngines(`adaptiveAveragePool2d() of [${shape}] to ${size} gives PyTorch's numbers`, async (engine) => {
    const pooled = (x: Tensor) => ops.adaptiveAveragePool2d(ops.mul(ops.square(x), 0.1), size);
    const means = await run(engine, pooled, range(shape));
    assertClose(means, float32(means.shape, y), { relative: 1e-4, absolute: 1e-5 }, "means");
    const weighted = (x: Tensor) => {
      const y = ops.adaptiveAveragePool2d(x, size);
      return { value: ops.sum(ops.mul(y, ops.constant(range(y.shape)))) };
    };
    const grad = await run(engine, (x) => ops.valueAndGrad(weighted, x).grad, range(shape));
    assertClose(grad, float32(shape, gradient), { relative: 1e-4, absolute: 1e-5 }, "gradient");
  });
}

Deno.test("adaptiveAveragePool2d() refuses a size that is none", () => {
  const x = ops.zeros([1, 4, 4, 1]);
  for (const size of [0, 1.5]) {
    assertThrows(
      () => ops.adaptiveAveragePool2d(x, size),
      RangeError,
      `Cannot take means of ${size} windows: it needs an integer of at least 1`,
    );
  }
  x.dispose();
});

testOnEngines("maxPool2d() of negative numbers is not 0 at the border", async (engine) => {
  const y = await run(engine, (x) => ops.maxPool2d(ops.neg(x), 3, 2, 1), range([1, 4, 4, 1]));
  assertEquals([...y.data], [-1, -2, -5, -6]);
});

// conv2d(arange(1., 33).view(1, 4, 4, 2) as NCHW, arange(1., 19).view(2, 1, 3, 3), stride=2, padding=1, groups=2) and
// conv2d(arange(1., 17).view(1, 2, 2, 4) as NCHW, arange(1., 37).view(2, 2, 3, 3), padding=1, groups=2), PyTorch 2.13.
const TO_FILTER = [2, 3, 1, 0];
testOnEngines("conv2d() in groups gives PyTorch's numbers", async (engine) => {
  const depthwise = await run(
    engine,
    (x, w) => ops.conv2d(x, ops.transpose(w, TO_FILTER), 2, 1, 2),
    range([1, 4, 4, 2]),
    range([2, 1, 3, 3]),
  );
  assertEquals([depthwise.shape, [...depthwise.data]], [[1, 2, 2, 2], [194, 474, 395, 974, 693, 1752, 1101, 2928]]);
  const grouped = await run(
    engine,
    (x, w) => ops.conv2d(x, ops.transpose(w, TO_FILTER), 1, 1, 2),
    range([1, 2, 2, 4]),
    range([2, 2, 3, 3]),
  );
  assertEquals([grouped.shape, [...grouped.data]], [[1, 2, 2, 2], [764, 2316, 704, 2240, 584, 2088, 524, 2012]]);
});

Deno.test("conv2d() refuses channels that the groups do not fit", () => {
  const x = ops.zeros([1, 4, 4, 4]);
  const filter = ops.zeros([3, 3, 4, 4]);
  assertThrows(
    () => ops.conv2d(x, filter, 1, 1, 2),
    TypeError,
    "Cannot convolve an image [1,4,4,4] with a filter [3,3,4,4] in 2 groups: it needs [KH, KW, I / groups, O]",
  );
  x.dispose();
  filter.dispose();
});
