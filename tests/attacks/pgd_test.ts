import { assert, assertAlmostEquals, assertEquals, assertLessOrEqual } from "@std/assert";
import { float32, int32, rng } from "../../lib/core/mod.ts";
import { createEngine } from "../../lib/engine/mod.ts";
import { type AttackBatch, type AttackSpec, margins, type Norm, runAttack } from "../../lib/attacks/mod.ts";
import { CLEVERHANS, cleverhansMargin, hill, linear, mlp, randomBatch } from "./_classifiers.ts";

const engine = await createEngine("reference");
const mean = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0) / values.length;

for (const loss of ["crossEntropy", "margin"] as const) {
  Deno.test(`pgd() reaches margin - eps ||w||_1 and margin - eps ||w||_2 of a linear classifier (${loss})`, async () => {
    // w_0 - w_1 = (3, -4, 0.5).
    const classifier = linear([[1, -2], [-3, 1], [0.5, 0]], [0.5, 0]);
    const x = float32([2, 1, 1, 3], [0.6, 0.4, 0.5, 0.3, 0.7, 0.5]);
    const batch = { x, y: int32([2], [0, 1]), ids: Int32Array.of(0, 1) };
    const clean = await margins(engine, classifier, batch);
    // On the sphere the angle to the best point shrinks by 1 / (1 + relative step) a step: 2.5 / 20 from a random start
    // leaves 3 % of the way after 20 steps, 0.25 leaves 0.1 %.
    for (
      const [dual, settings] of [
        [7.5, { norm: "Linf" }],
        [Math.sqrt(25.25), { norm: "L2", randomStart: false }],
        [Math.sqrt(25.25), { norm: "L2", relativeStepSize: 0.25 }],
      ] as const
    ) {
      const spec: AttackSpec = { kind: "pgd", steps: 20, loss, ...settings };
      const result = await runAttack(engine, classifier, batch, spec, 0.1, rng(0));
      result.margin.forEach((margin, i) => {
        const lowest = clean[i]! - 0.1 * dual;
        assertAlmostEquals(margin, lowest, 0.01 * 0.1 * dual);
        assert(margin >= lowest - 1e-5, "nothing in the ball is lower");
      });
    }
  });
}

Deno.test("pgd() reaches the lowest of the two margins of a linear classifier with three classes", async () => {
  const classifier = linear([[2, -1, 0], [-1, 2, 1], [0, 1, -2]], [0, 0, 0.2]);
  const x = float32([1, 1, 1, 3], [0.6, 0.4, 0.5]);
  const batch = { x, y: int32([1], [0]), ids: Int32Array.of(0) };
  // w_0 - w_1 = (3, -3, -1), w_0 - w_2 = (2, -2, 2); z = (0.8, 0.7, -0.4).
  const lowest = Math.min(0.1 - 0.1 * 7, 1.2 - 0.1 * 6);
  const result = await runAttack(engine, classifier, batch, { kind: "pgd", steps: 10 }, 0.1, rng(0));
  assertAlmostEquals(result.margin[0]!, lowest, 0.007);
});

Deno.test("pgd() finds the lowest margin of the 2-2-2 network of cleverhans (exhaustive search)", async () => {
  const centres = [[0.2, 0.7], [0.6, 0.3], [0.9, 0.95], [0.05, 0.1]];
  const labels = centres.map(([a, b]) => cleverhansMargin(a!, b!, 0) > 0 ? 0 : 1);
  const x = float32([4, 1, 1, 2], centres.flat());
  const batch = { x, y: int32([4], labels), ids: Int32Array.from(labels.keys()) };
  for (const norm of ["Linf", "L2"] as const) {
    const result = await runAttack(engine, CLEVERHANS, batch, { kind: "pgd", steps: 20, norm }, 0.15, rng(0));
    centres.forEach(([a, b], i) => {
      const lowest = lowestOnGrid(a!, b!, labels[i]!, norm, 0.15);
      assertAlmostEquals(result.margin[i]!, lowest, 5e-3, `${norm} image ${i}`);
    });
  }
});

function lowestOnGrid(a: number, b: number, label: number, norm: Norm, eps: number): number {
  let lowest = Infinity;
  for (let da = -eps; da <= eps + 1e-9; da += eps / 100) {
    for (let db = -eps; db <= eps + 1e-9; db += eps / 100) {
      const inside = norm === "Linf" || Math.hypot(da, db) <= eps + 1e-9;
      const box = a + da >= 0 && a + da <= 1 && b + db >= 0 && b + db <= 1;
      if (inside && box) lowest = Math.min(lowest, cleverhansMargin(a + da, b + db, label));
    }
  }
  return lowest;
}

Deno.test("pgd() returns the best iterate: never weaker than its start, whatever the steps do", async () => {
  const batch = { x: float32([1, 1, 1, 1], [0.45]), y: int32([1], [0]), ids: Int32Array.of(0) };
  const spec: AttackSpec = { kind: "pgd", steps: 1, randomStart: false, relativeStepSize: 1 };
  // The one step passes over the hill to 0.85, margin 5.25; the start has 1.25.
  const over = await runAttack(engine, hill(0.6), batch, spec, 0.4, rng(0));
  assertAlmostEquals(over.margin[0]!, 1.25, 1e-4);
  assertEquals(over.xAdv.data[0], Math.fround(0.45));
  // Steps of 0.1: 0.55 (fooled: z_1 = 0.75), 0.65 (0.75), 0.55, 0.65: the first of them is kept.
  const steps = await runAttack(engine, hill(0.6), batch, { ...spec, steps: 4, relativeStepSize: 0.25 }, 0.4, rng(0));
  assertAlmostEquals(steps.margin[0]!, -0.75, 1e-4);
  assertEquals([steps.success[0], steps.firstStep[0]], [1, 1]);
});

Deno.test("pgd() reports the step at which an image first fell: 0 for the start, -1 where it held", async () => {
  // Class 0 holds above 0.5: margin 2x - 1. Steps of 0.05 from the image itself.
  const classifier = linear([[1, -1]], [-0.5, 0.5]);
  const x = float32([4, 1, 1, 1], [0.48, 0.53, 0.62, 0.8]);
  const batch = { x, y: int32([4]), ids: Int32Array.of(0, 1, 2, 3) };
  const spec: AttackSpec = { kind: "pgd", steps: 4, randomStart: false, relativeStepSize: 0.25 };
  const result = await runAttack(engine, classifier, batch, spec, 0.2, rng(0));
  assertEquals(Array.from(result.firstStep), [0, 1, 3, -1]);
  assertEquals(Array.from(result.success), [1, 1, 1, 0]);
});

Deno.test("pgd() counts a forward and a backward pass a step, one more forward a start, and the verifying one", async () => {
  const classifier = mlp();
  const result = await runAttack(
    engine,
    classifier,
    randomBatch(classifier, 2),
    { kind: "pgd", steps: 5, restarts: 3 },
    0.05,
    rng(0),
  );
  assertEquals([result.forwardPasses, result.backwardPasses], [3 * (5 + 1) + 1, 3 * 5]);
});

Deno.test("pgd() is no weaker with more steps of the same length and with more restarts, image by image", async () => {
  const classifier = mlp();
  const batch = randomBatch(classifier, 24);
  for (const norm of ["Linf", "L2"] as const) {
    const eps = norm === "Linf" ? 0.08 : 0.2;
    const margin = async (spec: object) =>
      (await runAttack(engine, classifier, batch, { kind: "pgd", steps: 4, norm, ...spec }, eps, rng(0))).margin;
    const stepSize = norm === "Linf" ? "0.01" : "0.03";
    assertNoHigher(await margin({ steps: 8, stepSize }), await margin({ steps: 4, stepSize }));
    assertNoHigher(await margin({ steps: 12, stepSize }), await margin({ steps: 8, stepSize }));
    const [one, two, four] = [await margin({}), await margin({ restarts: 2 }), await margin({ restarts: 4 })];
    assertNoHigher(two, one);
    assertNoHigher(four, two);
    assert(four.some((value, i) => value < one[i]! - 1e-4), "restarts find something new somewhere");
  }
});

Deno.test("pgd() is stronger in a larger ball, stronger than fgsm, and its best is no weaker than the clean image", async () => {
  const classifier = mlp();
  const batch = randomBatch(classifier, 48);
  const clean = await margins(engine, classifier, batch);
  for (const norm of ["Linf", "L2"] as const) {
    const means = [mean(clean)];
    for (const eps of [0.02, 0.05, 0.1]) {
      const spec: AttackSpec = { kind: "pgd", steps: 10, norm, randomStart: false };
      const result = await runAttack(engine, classifier, batch, spec, eps, rng(0));
      assertNoHigher(result.margin, clean);
      means.push(mean(result.margin));
      const one = await runAttack(engine, classifier, batch, { kind: "fgsm", norm }, eps, rng(0));
      assertLessOrEqual(mean(result.margin), mean(one.margin));
      assertLessOrEqual(
        result.success.filter((success) => !success).length,
        one.success.filter((success) => !success).length,
      );
    }
    means.slice(1).forEach((value, i) => assert(value < means[i]! - 0.01, `${means}`));
  }
});

Deno.test("pgd() goes on where the margin loss is asked for and the cross-entropy has no gradient left", async () => {
  // z = (400 x - 200, -400 x + 200) at x = 0.9: a margin of 320, softmax gradient exp(-320) = 0 in float32.
  const classifier = linear([[400, -400]], [-200, 200]);
  const batch: AttackBatch = { x: float32([1, 1, 1, 1], [0.9]), y: int32([1], [0]), ids: Int32Array.of(0) };
  const spec: AttackSpec = { kind: "pgd", steps: 10, randomStart: false };
  const ce = await runAttack(engine, classifier, batch, spec, 0.45, rng(0));
  const cw = await runAttack(engine, classifier, batch, { ...spec, loss: "margin" }, 0.45, rng(0));
  assertEquals([ce.success[0], cw.success[0]], [0, 1]);
  assertEquals(Array.from(ce.xAdv.data), Array.from(batch.x.data), "a zero gradient gives no step");
});

function assertNoHigher(lower: Float32Array, higher: Float32Array): void {
  lower.forEach((value, i) => assertLessOrEqual(value, higher[i]! + 1e-5, `image ${i}`));
}
