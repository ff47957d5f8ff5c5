import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { float32, int32, rng } from "../../lib/core/mod.ts";
import { createEngine } from "../../lib/engine/mod.ts";
import { runAttack } from "../../lib/attacks/mod.ts";
import { CLEVERHANS, cleverhansMargin, distances, hill, linear, mlp, randomBatch } from "./_classifiers.ts";

const engine = await createEngine("reference");

// Two classes, w_0 - w_1 = (3, -4, 0.5): ||.||_1 = 7.5, ||.||_2 = sqrt(25.25).
const LINEAR = linear([[1, -2], [-3, 1], [0.5, 0]], [0.5, 0]);
const POINT = {
  x: float32([2, 1, 1, 3], [0.6, 0.4, 0.5, 0.3, 0.7, 0.5]),
  y: int32([2], [0, 1]),
  ids: Int32Array.of(0, 1),
};
const CLEAN = [3 * 0.6 - 4 * 0.4 + 0.25 + 0.5, -(3 * 0.3 - 4 * 0.7 + 0.25 + 0.5)];

for (const loss of ["crossEntropy", "margin"] as const) {
  Deno.test(`fgsm() lowers a linear margin by eps ||w||_1 in Linf and eps ||w||_2 in L2 (${loss})`, async () => {
    for (const [norm, dual] of [["Linf", 7.5], ["L2", Math.sqrt(25.25)]] as const) {
      const result = await runAttack(engine, LINEAR, POINT, { kind: "fgsm", norm, loss }, 0.1, rng(0));
      result.margin.forEach((margin, i) => assertAlmostEquals(margin, CLEAN[i]! - 0.1 * dual, 1e-5));
      distances(result.xAdv, POINT.x, norm).forEach((length) => assertAlmostEquals(length, 0.1, 1e-6));
    }
  });
}

Deno.test("fgsm() moves every pixel by exactly eps, or to the border of the box", async () => {
  const x = float32([1, 1, 1, 3], [0.97, 0.5, 0.02]);
  const result = await runAttack(
    engine,
    LINEAR,
    { x, y: int32([1], [1]), ids: Int32Array.of(0) },
    { kind: "fgsm" },
    0.1,
    rng(0),
  );
  // Against class 1 the margin falls along (3, -4, 0.5).
  const expected = [1, Math.fround(0.5) - Math.fround(0.1), Math.fround(0.02) + Math.fround(0.1)];
  assertEquals(Array.from(result.xAdv.data), expected.map(Math.fround));
});

Deno.test("fgsm() takes one backward pass and reports step 1 where the image fell", async () => {
  const classifier = mlp();
  const batch = randomBatch(classifier, 16);
  const result = await runAttack(engine, classifier, batch, { kind: "fgsm" }, 0.05, rng(0));
  assertEquals([result.forwardPasses, result.backwardPasses], [2, 1]);
  assert(result.success.includes(1) && result.success.includes(0));
  assertEquals(Array.from(result.firstStep), Array.from(result.success, (success) => success ? 1 : -1));
});

Deno.test("fgsm() gives the image after its step also where that is weaker than the clean one", async () => {
  const batch = { x: float32([1, 1, 1, 1], [0.45]), y: int32([1], [0]), ids: Int32Array.of(0) };
  const result = await runAttack(engine, hill(0.6), batch, { kind: "fgsm" }, 0.4, rng(0));
  // Clean: z = (0, 1 - 2.25), margin 1.25. The step passes over the hill, to 0.85: z = (0, 1 - 6.25).
  assertAlmostEquals(result.margin[0]!, 5.25, 1e-4);
  assertEquals([result.success[0], result.firstStep[0]], [0, -1]);
});

Deno.test("fgsm() steps down both sigmoids of the 2-2-2 network of cleverhans, by exactly eps", async () => {
  const batch = { x: float32([2, 1, 1, 2], [0.5, 0.5, 0.25, 0.5]), y: int32([2], [0, 1]), ids: Int32Array.of(0, 1) };
  const result = await runAttack(engine, CLEVERHANS, batch, { kind: "fgsm" }, 0.2, rng(0));
  // Margin of class 0: falls along the first pixel and rises along the second.
  const expected = [0.7, 0.3, 0.05, 0.7];
  result.xAdv.data.forEach((pixel, i) => assertAlmostEquals(pixel, expected[i]!, 1e-6));
  assertAlmostEquals(result.margin[0]!, cleverhansMargin(0.7, 0.3, 0), 1e-5);
  assertAlmostEquals(result.margin[1]!, cleverhansMargin(0.05, 0.7, 1), 1e-5);
  assertEquals(Array.from(result.success), [1, 1]);
});
