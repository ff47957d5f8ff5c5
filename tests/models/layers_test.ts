import { assertEquals, assertRejects } from "@std/assert";
import { float32, type NdArray } from "../../lib/core/mod.ts";
import { createEngine, mul, readTree, sum, type Tensor, valueAndGrad } from "../../lib/engine/mod.ts";
import { batchNorm, conv, flattenImages, type Layer, linear, optionAShortcut } from "../../lib/models/_layers.ts";
import { createModel, type Mode, type Weights } from "../../lib/models/mod.ts";
import { assertClose } from "./_small_models.ts";

/** Runs a layer on the reference engine. */
async function run(layer: Layer, weights: Partial<Weights<NdArray>>, x: NdArray, mode: Mode = "eval") {
  await using engine = await createEngine("reference");
  const program = engine.compile((at: { weights: Weights<Tensor>; x: Tensor }) => {
    const updated: Record<string, Tensor> = {};
    return { y: layer.apply(at.x, { weights: at.weights, mode, updated }), updated };
  });
  return await readTree(engine, await program({ weights: { parameters: {}, buffers: {}, ...weights }, x }));
}

const oneToNine = Array.from({ length: 9 }, (_, i) => i + 1);

Deno.test("conv() correlates with the filter, zeros around, as torch.nn.functional.conv2d does", async () => {
  // conv2d(arange(1., 10).view(1, 1, 3, 3), arange(1., 10).view(1, 1, 3, 3), padding=1), by hand and in PyTorch 2.13.
  const whole = [94, 154, 106, 186, 285, 186, 106, 154, 94];
  const parameters = { "c.weight": float32([3, 3, 1, 1], oneToNine) };
  const x = float32([1, 3, 3, 1], oneToNine);
  const one = await run(conv("c", { inputs: 1, outputs: 1, size: 3, stride: 1 }), { parameters }, x);
  assertEquals([...one.y.data], whole);
  const two = await run(conv("c", { inputs: 1, outputs: 1, size: 3, stride: 2 }), { parameters }, x);
  assertEquals(two.y.shape, [1, 2, 2, 1]);
  assertEquals([...two.y.data], [94, 106, 106, 94]);
});

Deno.test("conv() of size 1 and stride 2 takes every second pixel and mixes channels", async () => {
  // Two channels in, two out: y0 = a + 10 b, y1 = a - b.
  const parameters = { "c.weight": float32([1, 1, 2, 2], [1, 1, 10, -1]) };
  const x = float32([1, 2, 3, 2], [1, 2, 0, 0, 3, 4, 0, 0, 0, 0, 0, 0]);
  const { y } = await run(conv("c", { inputs: 2, outputs: 2, size: 1, stride: 2 }), { parameters }, x);
  assertEquals([y.shape, [...y.data]], [[1, 1, 2, 2], [21, -1, 43, -1]]);
});

Deno.test("linear() is x W + b with W [in, out]", async () => {
  const parameters = { "l.weight": float32([2, 3], [1, 2, 3, 4, 5, 6]), "l.bias": float32([3], [10, 20, 30]) };
  const { y } = await run(linear("l", 2, 3), { parameters }, float32([1, 2], [1, -1]));
  assertEquals([...y.data], [7, 17, 27]);
});

Deno.test("flattenImages() puts channels first, as torch.nn.Flatten does", async () => {
  const { y } = await run(flattenImages, {}, float32([1, 1, 2, 3], [1, 2, 3, 4, 5, 6]));
  assertEquals([y.shape, [...y.data]], [[1, 6], [1, 4, 2, 5, 3, 6]]);
});

Deno.test("optionAShortcut() takes every second pixel and pads channels on both sides", async () => {
  // Three rows and columns: the odd last ones are taken, as x[:, :, ::2, ::2] does.
  const x = float32([1, 3, 3, 2], Array.from({ length: 18 }, (_, i) => i));
  const { y } = await run(optionAShortcut(2, 4, 2), {}, x);
  assertEquals([y.shape, [...y.data]], [[1, 2, 2, 4], [0, 0, 1, 0, 0, 4, 5, 0, 0, 12, 13, 0, 0, 16, 17, 0]]);
  const same = await run(optionAShortcut(2, 2, 1), {}, x);
  assertEquals([...same.y.data], [...x.data]);
});

// One channel of values 1, 2, 3, 4 (mean 2.5, variance 1.25, unbiased 5/3), another a thousand times as far from 0.
const OFFSET = 4096;
const x = float32([2, 1, 2, 2], [1, 1, 2, 2, 3, 3, 4, 4].map((value, i) => i % 2 === 0 ? value : value + OFFSET));
const affine = { "bn.weight": float32([2], [2, 2]), "bn.bias": float32([2], [-1, -1]) };
const fresh = { "bn.running_mean": float32([2], [0, 0]), "bn.running_var": float32([2], [1, 1]) };

Deno.test("batchNorm() in training uses the batch's mean and biased variance, also far from 0", async () => {
  const { y } = await run(batchNorm("bn", 2), { parameters: affine, buffers: fresh }, x, "train");
  const expected = [1, 2, 3, 4].flatMap((value) => Array(2).fill(2 * (value - 2.5) / Math.sqrt(1.25 + 1e-5) - 1));
  assertClose(y.data, expected, 0, 1e-6, "y");
});

Deno.test("batchNorm() moves the running statistics by 0.1, the variance unbiased", async () => {
  const layer = batchNorm("bn", 2);
  const first = await run(layer, { parameters: affine, buffers: fresh }, x, "train");
  assertClose(first.updated["bn.running_mean"]!.data, [0.25, (OFFSET + 2.5) / 10], 1e-6, 0, "mean");
  assertClose(first.updated["bn.running_var"]!.data, [0.9 + 0.5 / 3, 0.9 + 0.5 / 3], 1e-6, 0, "variance");
  const second = await run(layer, { parameters: affine, buffers: first.updated }, x, "train");
  assertClose(second.updated["bn.running_mean"]!.data, [0.475, (OFFSET + 2.5) * 0.19], 1e-6, 0, "mean");
  // 0.9^2 + (0.9 + 1) * 0.1 * 5/3
  assertClose(second.updated["bn.running_var"]!.data, [0.81 + 0.95 / 3, 0.81 + 0.95 / 3], 1e-6, 0, "variance");
});

Deno.test("batchNorm() in evaluation uses the running statistics and leaves them", async () => {
  const buffers = { "bn.running_mean": float32([2], [1, 4]), "bn.running_var": float32([2], [4, 0.25]) };
  const { y, updated } = await run(batchNorm("bn", 2), { parameters: affine, buffers }, float32([1, 1, 1, 2], [3, 3]));
  assertClose(y.data, [2 * 2 / Math.sqrt(4 + 1e-5) - 1, 2 * -1 / Math.sqrt(0.25 + 1e-5) - 1], 0, 1e-6, "y");
  assertEquals(updated, {});
});

Deno.test("batchNorm() refuses the statistics of one value", async () => {
  await assertRejects(
    () => run(batchNorm("bn", 2), { parameters: affine, buffers: fresh }, float32([1, 1, 1, 2]), "train"),
    TypeError,
    'Cannot normalise "bn" by the statistics of one value per channel: use a larger batch or "eval"',
  );
});

Deno.test("a layer refuses weights that are missing or of another shape", async () => {
  const layer = batchNorm("bn", 2);
  await assertRejects(
    () => run(layer, { parameters: affine }, x),
    TypeError,
    'Cannot apply the network as its buffers lack "bn.running_var": pass the weights of init or loadWeights',
  );
  // A scale of length 1 would broadcast.
  await assertRejects(
    () => run(layer, { parameters: { ...affine, "bn.weight": float32([1], [1]) }, buffers: fresh }, x),
    TypeError,
    'Cannot apply the network as "bn.weight" has the shape [1] where [2] was expected: ' +
      "pass the weights of init or loadWeights",
  );
});

Deno.test("batchNorm() hands running statistics out of nested gradients, and no gradient through them", async () => {
  await using engine = await createEngine("reference");
  const model = createModel({ kind: "cnn", width: 2, activation: "softplus" }, { classes: 2, inputShape: [4, 4, 1] });
  const parameters = Object.fromEntries(
    Object.entries(model.shapes.parameters).map(([name, shape], k) => {
      const n = shape.reduce((product, length) => product * length, 1);
      return [name, float32(shape, Array.from({ length: n }, (_, i) => Math.sin(i + k)))];
    }),
  );
  const buffers = Object.fromEntries(
    Object.entries(model.shapes.buffers).map(([name, shape]) => [
      name,
      float32(shape, Array(shape[0]).fill(name.endsWith("var") ? 1 : 0)),
    ]),
  );
  const images = float32([2, 4, 4, 1], Array.from({ length: 32 }, (_, i) => (i * 7 % 32) / 32));
  const inputs = { weights: { parameters, buffers }, x: images };
  type At = { weights: Weights<Tensor>; x: Tensor };

  const plain = await readTree(
    engine,
    await engine.compile(({ weights, x }: At) => model.apply(weights, x, "train"))(inputs),
  );
  const nested = engine.compile(({ weights, x }: At) => {
    let seen: Readonly<Record<string, Tensor>> = {};
    const { grad } = valueAndGrad((parameters: Weights<Tensor>["parameters"]) => {
      const inner = valueAndGrad((x: Tensor) => {
        const { logits, buffers } = model.apply({ ...weights, parameters }, x, "train");
        seen = buffers;
        return { value: sum(mul(logits, logits)) };
      }, x);
      return { value: sum(mul(inner.grad, inner.grad)) };
    }, weights.parameters);
    return { grad, buffers: seen };
  });
  const { buffers: seen, grad } = await readTree(engine, await nested(inputs));
  for (const [name, { data }] of Object.entries(plain.buffers)) assertClose(seen[name]!.data, data, 1e-6, 1e-7, name);
  assertEquals(Math.hypot(...grad["conv1.weight"]!.data) > 0, true);

  const through = engine.compile(({ weights, x }: At) =>
    valueAndGrad((parameters: Weights<Tensor>["parameters"]) => {
      const { buffers } = model.apply({ ...weights, parameters }, x, "train");
      return { value: Object.values(buffers).map((buffer) => sum(buffer)).reduce((a, b) => mul(a, b)) };
    }, weights.parameters).grad
  );
  const zero = await readTree(engine, await through(inputs));
  assertEquals(Object.values(zero).every(({ data }) => data.every((value: number) => value === 0)), true);
});
