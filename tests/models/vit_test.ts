import { assertEquals, assertThrows } from "@std/assert";
import { float32, int32, type NdArray, rng, sizeOf, UsageError } from "../../lib/core/mod.ts";
import { createEngine, readTree, type Tensor } from "../../lib/engine/mod.ts";
import {
  createModel,
  fromPyTorch,
  loadWeights,
  type ModelSpec,
  type Network,
  resizePositions,
  saveWeights,
  toPyTorch,
  type VitSpec,
  type Weights,
} from "../../lib/models/mod.ts";
import golden from "../golden/pytorch_vit.json" with { type: "json" };
import { testOnEngines } from "../testing/engines.ts";
import { assertClose, inputGradient, type Point, secondOrder } from "./_small_models.ts";

interface Golden {
  readonly spec: VitSpec;
  readonly shapes: Record<string, number[]>;
  readonly logits: number[];
  readonly inputGradient: number[];
  readonly secondOrder: Record<string, [length: number, product: number]>;
}

const INPUT_SHAPE = [8, 12, 3] as const;
const MODELS = golden.models as unknown as Golden[];

/** The formulas of the script in the golden file. */
function wave(name: string, shape: number[], k: number): NdArray {
  const suits = (v: number): number => {
    if (shape.length === 1) return Number(name.endsWith("weight")) + 0.3 * v;
    return v * (shape.length === 3 ? 0.5 : Math.sqrt(2 / sizeOf(shape.slice(1))));
  };
  return float32(shape, Float32Array.from({ length: sizeOf(shape) }, (_, i) => suits(Math.sin(1.3 * i ** 1.1 + k))));
}
const pixels = float32(
  [3, ...INPUT_SHAPE],
  Float32Array.from({ length: 3 * sizeOf(INPUT_SHAPE) }, (_, i) => 0.5 + 0.5 * Math.sin(0.7 * i ** 1.2)),
);

for (const { spec, shapes, ...expected } of MODELS) {
  const { kind: _, depth: __, dim: ___, heads: ____, ...rest } = spec;
  const what = JSON.stringify(rest);
  const model = createModel(spec, { classes: 3, inputShape: INPUT_SHAPE });
  const state = Object.fromEntries(Object.entries(shapes).map(([name, shape], k) => [name, wave(name, shape, k)]));

  Deno.test(`createVit() names and shapes its weights as timm does, in its order: ${what}`, () => {
    const back = toPyTorch(fromPyTorch(state, model.shapes));
    assertEquals(Object.entries(back).map(([name, { shape }]) => [name, [...shape]]), Object.entries(shapes));
  });

  testOnEngines(`createVit() gives timm's logits, gradients and second order: ${what}`, async (engine) => {
    const inputs = { weights: fromPyTorch(state, model.shapes), x: pixels, y: int32([3], [0, 2, 1]) };
    const first = await readTree(engine, await engine.compile((at: Point) => inputGradient(model, "eval", at))(inputs));
    assertClose(first.logits.data, expected.logits, 1e-5, 1e-6, "logits");
    assertClose(first.grad.data.filter((_, i) => i % 7 === 0), expected.inputGradient, 1e-4, 1e-6, "gradient");
    const second = await engine.compile((at: Point) => secondOrder(model, "eval", at))(inputs);
    const { grad } = await readTree(engine, second) as unknown as { grad: Record<string, NdArray> };
    const inPyTorch = toPyTorch({ parameters: grad, buffers: {} });
    assertEquals(Object.keys(inPyTorch), Object.keys(expected.secondOrder));
    for (const [name, numbers] of Object.entries(expected.secondOrder)) {
      const data = Array.from(inPyTorch[name]!.data);
      const product = data.reduce((sum, value, i) => sum + value * Math.sin(i), 0);
      assertClose([Math.hypot(...data), product], numbers, 1e-3, 1e-5, `second order of ${name}`);
    }
  });
}

Deno.test("pytorch_vit.json tells how it was made", () => {
  assertEquals(golden.origin.startsWith("timm "), true);
  assertEquals(golden.script.length > 60, true);
});

Deno.test("createVit() takes the weights of the same network for images of another size", async () => {
  const spec: VitSpec = { kind: "vit", patch: 4, depth: 1, dim: 4, heads: 1 };
  const at = (side: number) => ({ classes: ["a", "b"], inputShape: [side, side, 3] as const });
  const small = createModel(spec, { classes: 2, inputShape: at(8).inputShape });
  const given = small.init(rng(1));
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/small.safetensors`;
    await saveWeights(path, given, { model: spec, ...at(8), provenance: {} });
    const { weights, model } = await loadWeights(path, at(12));
    const resized = resizePositions(given.parameters["pos_embed"]!, { from: [2, 2], to: [3, 3], prefix: 1 });
    assertEquals<NdArray | undefined>(weights.parameters["pos_embed"], resized);
    assertEquals(model.inputShape, [12, 12, 3]);
    assertEquals(weights.parameters["head.weight"], given.parameters["head.weight"]);
    assertEquals((await loadWeights(path)).weights, given);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("createVit() drops in training what the noise says, and nothing without", async () => {
  await using engine = await createEngine("reference");
  const spec: VitSpec = { kind: "vit", patch: 4, depth: 2, dim: 4, heads: 2 };
  const shape = { classes: 3, inputShape: INPUT_SHAPE };
  const plain = createModel(spec, shape);
  const shallow = createModel({ ...spec, depth: 1 }, shape);
  const dropping = createModel({ ...spec, dropPath: 0.5, dropout: 0.5 }, shape);
  assertEquals(plain.noise, undefined);
  // Two branches of the second block, and four numbers before the last layer.
  assertEquals(dropping.noise!(rng(1)).length, 2 + 4);
  const weights = fromPyTorch(
    Object.fromEntries(
      Object.entries(toPyTorch(plain.init(rng(1)))).map(([name, { shape }], k) => [name, wave(name, [...shape], k)]),
    ),
    plain.shapes,
  );
  type At = { weights: Weights<Tensor>; x: Tensor; noise: Tensor | undefined };
  const logits = async (model: Network, row?: number[]) => {
    const program = engine.compile(({ weights, x, noise }: At) => model.apply(weights, x, "train", noise));
    const noise = row && float32([3, row.length], [...row, ...row, ...row]);
    return (await readTree(engine, await program({ weights, x: pixels, noise }))).logits.data;
  };
  assertEquals(await logits(dropping), await logits(plain));
  const bias = weights.parameters["head.bias"]!.data;
  assertEquals(await logits(dropping, [0.9, 0.9, 0, 0, 0, 0]), Float32Array.of(...bias, ...bias, ...bias));
  // Both branches of the second block dropped, every number doubled: twice the first block's logits, but for the bias.
  const expected = (await logits(shallow)).map((value, i) => 2 * value - bias[i % 3]!);
  assertClose(await logits(dropping, [0, 0.4, 0.9, 0.9, 0.9, 0.9]), expected, 1e-5, 1e-6);
});

Deno.test("createVit() has the sizes of the papers", () => {
  const count = (spec: VitSpec, side: number, classes: number) => {
    const { parameters } = createModel(spec, { classes, inputShape: [side, side, 3] }).shapes;
    return Object.values(parameters).reduce((sum, shape) => sum + sizeOf(shape), 0);
  };
  // timm's vit_tiny, vit_small and vit_base_patch16_224, deit_small_distilled_patch16_224.
  assertEquals(count({ kind: "vit", patch: 16 }, 224, 1000), 5717416);
  assertEquals(count({ kind: "vit", patch: 16, size: "small" }, 224, 1000), 22050664);
  assertEquals(count({ kind: "vit", patch: 16, size: "base" }, 224, 1000), 86567656);
  assertEquals(count({ kind: "vit", patch: 16, size: "small", distilled: true }, 224, 1000), 22436432);
});

for (
  const [what, spec, message] of [
    ["a patch", { patch: 5 }, "patch = 5: it needs a divisor of height and width of the images, 8x12"],
    ["a size", { patch: 4, size: "huge" }, 'size = "huge": use one of tiny, small, base'],
    ["heads", { patch: 4, heads: 5 }, "heads = 5: it needs a divisor of dim, which is 192"],
    ["a depth", { patch: 4, depth: 0 }, "depth = 0: it needs an integer of 1 or more"],
    ["a rate", { patch: 4, dropPath: 1 }, "dropPath = 1: it needs a number of 0 or more and below 1"],
    ["a distillation", { patch: 4, distilled: 1 }, "distilled = 1: it needs true or false"],
  ] as const
) {
  Deno.test(`createVit() refuses ${what} that it cannot use`, () => {
    const make = () =>
      createModel({ kind: "vit", ...spec } as unknown as ModelSpec, { classes: 3, inputShape: INPUT_SHAPE });
    assertThrows(make, UsageError, message);
  });
}
