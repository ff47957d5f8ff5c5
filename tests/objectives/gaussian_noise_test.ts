import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { float32, int32, rng, UsageError } from "../../lib/core/mod.ts";
import { createEngine, matMul, readTree, reshape, type Tensor } from "../../lib/engine/mod.ts";
import { GAUSSIAN_NOISE, gaussianNoise, objectiveOf } from "../../lib/objectives/mod.ts";

const NETWORK = { classes: 2, inputShape: [1, 2, 1] } as const;

Deno.test("gaussianNoise is the cross-entropy of images that noise was added to", async () => {
  await using engine = await createEngine("reference");
  const program = engine.compile(({ x, y, w, noise }: Record<"x" | "y" | "w" | "noise", Tensor>) => {
    const pair = { student: (pixels: Tensor) => matMul(reshape(pixels, [1, 2]), w), teacher: undefined };
    const context = { progress: x, state: {}, noise };
    return gaussianNoise.losses(pair, { x, y, xAdv: undefined }, { kind: "gaussianNoise", sigma: 0.5 }, context).terms;
  });
  const terms = await program({
    x: float32([1, 1, 2, 1], [1, 0]),
    y: int32([1], [1]),
    w: float32([2, 2], [1, -1, 2, 0]),
    noise: float32([1, 2], [2, -1]),
  });
  // x + 0.5 n = (2, -0.5), logits (2 - 1, -2).
  assertAlmostEquals((await readTree(engine, terms)).ce!.data[0]!, Math.log(Math.exp(1) + Math.exp(-2)) + 2, 1e-6);
});

Deno.test("gaussianNoise draws standard normal numbers, as many as there are pixels", () => {
  const drawn = gaussianNoise.noise!(GAUSSIAN_NOISE, { ...NETWORK, inputShape: [50, 100, 2] }, rng(1))!;
  assertEquals(drawn.length, 10_000);
  // Five standard errors.
  assertAlmostEquals(drawn.reduce((sum, z) => sum + z, 0) / 1e4, 0, 0.05);
  assertAlmostEquals(drawn.reduce((sum, z) => sum + z * z, 0) / 1e4, 1, 0.07);
});

Deno.test("gaussianNoise refuses a sigma that is no length", () => {
  assertThrows(
    () => objectiveOf({ kind: "gaussianNoise", sigma: 0 }),
    UsageError,
    "Cannot train under noise of sigma = 0: write a number above 0, such as 0.25",
  );
});
