import { assert, assertAlmostEquals, assertEquals, assertLessOrEqual, assertRejects } from "@std/assert";
import { float32, int32, rng, UsageError } from "../../lib/core/mod.ts";
import { createEngine, mul } from "../../lib/engine/mod.ts";
import {
  type AttackBatch,
  type AttackSpec,
  margins,
  type Norm,
  perturb,
  type PgdSpec,
  runAttack,
  unitStarts,
} from "../../lib/attacks/mod.ts";
import type { Classifier } from "../../lib/models/mod.ts";
import { CLEVERHANS, cleverhansMargin, hill, linear, mlp, predictedBatch, randomBatch } from "./_classifiers.ts";

const engine = await createEngine("reference");
const mean = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0) / values.length;

for (const loss of ["crossEntropy", "margin", "dlr"] as const) {
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

Deno.test("pgd() with momentum follows v <- mu v + g / ||g||_1 (by hand)", async () => {
  // One pixel below a hill at 0.6, steps of 0.1 from 0.45; g / ||g||_1 is 1 below the top and -1 above.
  // mu = 1: v = 1, 2, 1, 0, -1: 0.55, 0.65, 0.75, 0.75, 0.65. mu = 0.5: v = 1, 1.5, -0.25, 0.875, -0.5625.
  const batch = { x: float32([1, 1, 1, 1], [0.45]), y: int32([1], [0]), ids: Int32Array.of(0) };
  const plain: PgdSpec = { kind: "pgd", steps: 1, randomStart: false, loss: "margin", relativeStepSize: 0.25 };
  for (
    const [momentum, path] of [
      [{}, [0.55, 0.65, 0.55, 0.65, 0.55]],
      [{ momentum: 1 }, [0.55, 0.65, 0.75, 0.75, 0.65]],
      [{ momentum: 0.5 }, [0.55, 0.65, 0.55, 0.65, 0.55]],
      [{ momentum: 0.9 }, [0.55, 0.65, 0.75, 0.65, 0.55]],
    ] as const
  ) {
    for (const [k, expected] of path.entries()) {
      const value = await perturb(engine, hill(0.6), batch, { ...plain, ...momentum, steps: k + 1 }, 0.4, rng(0));
      assertAlmostEquals((await engine.read(value)).data[0]!, expected, 1e-6, `${JSON.stringify(momentum)} step ${k}`);
    }
  }
});

Deno.test("pgd() with momentum weighs gradients of any size alike, and steps along v / ||v|| in L2", async () => {
  for (const scale of [1e-20, 1, 1e5]) {
    const classifier = linear([[3 * scale, 0], [-4 * scale, 0]], [0, 0]);
    const batch = { x: float32([1, 1, 1, 2], [0.5, 0.5]), y: int32([1], [0]), ids: Int32Array.of(0) };
    const spec: PgdSpec = { kind: "pgd", steps: 2, randomStart: false, loss: "margin", norm: "L2", momentum: 1 };
    const value = await perturb(engine, classifier, batch, { ...spec, relativeStepSize: 0.25 }, 0.2, rng(0));
    const [a, b] = (await engine.read(value)).data;
    assertAlmostEquals(a!, 0.5 - 0.1 * 0.6, 1e-6);
    assertAlmostEquals(b!, 0.5 + 0.1 * 0.8, 1e-6);
  }
});

// z = (0.8, 0.7, -0.4) at x: the least likely class is 2, or 1 where the label is 2.
const THREE = linear([[2, -1, 0], [-1, 2, 1], [0, 1, -2]], [0, 0, 0.2]);
const threeBatch = (label: number): AttackBatch => ({
  x: float32([1, 1, 1, 3], [0.6, 0.4, 0.5]),
  y: int32([1], [label]),
  ids: Int32Array.of(7),
});

Deno.test("pgd() towards a class raises z_t - max z_k of a linear classifier by eps ||w_t - w_k||_1", async () => {
  const step: PgdSpec = { kind: "pgd", steps: 1, randomStart: false, loss: "margin", relativeStepSize: 1 };
  // w_1 - w_0 = (-3, 3, 1), w_2 - w_0 = (-2, 2, -2), w_0 - w_1 = (3, -3, -1); 0 leads where it is not the target.
  for (
    const [label, target, signs] of [
      [0, "next", [-1, 1, 1]],
      [0, "leastLikely", [-1, 1, -1]],
      [0, 2, [-1, 1, -1]],
      [1, "next", [-1, 1, -1]],
      [2, "next", [1, -1, -1]],
      [2, "leastLikely", [-1, 1, 1]],
      [2, 1, [-1, 1, 1]],
    ] as const
  ) {
    const value = await perturb(engine, THREE, threeBatch(label), { ...step, target }, 0.01, rng(0));
    const expected = [0.6, 0.4, 0.5].map((pixel, i) => pixel + 0.01 * signs[i]!);
    const found = (await engine.read(value)).data;
    expected.forEach((pixel, i) => assertAlmostEquals(found[i]!, pixel, 1e-6, `${label} -> ${target}`));
  }
});

Deno.test("pgd() towards a class lowers that class's cross-entropy", async () => {
  // d CE(z, 2) / dx = sum_k (p_k - [k = 2]) w_k, p = softmax(z); the step goes against it.
  const p = [0.8, 0.7, -0.4].map(Math.exp);
  const total = p[0]! + p[1]! + p[2]!;
  const rows = [[2, -1, 0], [-1, 2, 1], [0, 1, -2]];
  const gradient = rows.map((row) => row.reduce((sum, w, k) => sum + w * (p[k]! / total - (k === 2 ? 1 : 0)), 0));
  const spec: PgdSpec = { kind: "pgd", steps: 1, randomStart: false, relativeStepSize: 1, norm: "L2", target: 2 };
  const value = await perturb(engine, THREE, threeBatch(0), spec, 0.1, rng(0));
  const found = (await engine.read(value)).data;
  gradient.forEach((g, i) => {
    assertAlmostEquals(found[i]!, [0.6, 0.4, 0.5][i]! - 0.1 * g / Math.hypot(...gradient), 1e-6);
  });
});

Deno.test("pgd() towards the other of two classes is the attack without a target", async () => {
  const classifier = mlp(2);
  const batch = randomBatch(classifier, 12);
  for (const loss of ["crossEntropy", "margin"] as const) {
    const plain = await runAttack(engine, classifier, batch, { kind: "pgd", steps: 5, loss }, 0.1, rng(0));
    for (const target of ["next", "leastLikely"] as const) {
      const aimed = await runAttack(engine, classifier, batch, { kind: "pgd", steps: 5, loss, target }, 0.1, rng(0));
      assertEquals([aimed.xAdv, aimed.firstStep], [plain.xAdv, plain.firstStep]);
    }
  }
});

Deno.test("pgd() with momentum and towards a class finds the lowest margin of the 2-2-2 network of cleverhans", async () => {
  const centres = [[0.2, 0.7], [0.6, 0.3], [0.9, 0.95], [0.05, 0.1]];
  const labels = centres.map(([a, b]) => cleverhansMargin(a!, b!, 0) > 0 ? 0 : 1);
  const batch = {
    x: float32([4, 1, 1, 2], centres.flat()),
    y: int32([4], labels),
    ids: Int32Array.from(labels.keys()),
  };
  for (const settings of [{ momentum: 1 }, { target: "next" }, { momentum: 0.5, target: "leastLikely" }] as const) {
    const spec: AttackSpec = { kind: "pgd", steps: 20, ...settings };
    const result = await runAttack(engine, CLEVERHANS, batch, spec, 0.15, rng(0));
    centres.forEach(([a, b], i) => {
      assertAlmostEquals(result.margin[i]!, lowestOnGrid(a!, b!, labels[i]!, "Linf", 0.15), 5e-3, `image ${i}`);
    });
  }
});

Deno.test("pgd() refuses a target that is no class or the label of an image", async () => {
  const run = (target: number, label: number) =>
    runAttack(engine, THREE, threeBatch(label), { kind: "pgd", steps: 1, target }, 0.1, rng(0));
  await assertRejects(
    () => run(3, 0),
    UsageError,
    "Cannot attack towards class 3 where the classifier has classes 0 to 2: write one of them",
  );
  await assertRejects(
    () => run(1, 1),
    UsageError,
    "Cannot attack image 7 towards class 1 as that is its label: leave out images of that class, or write " +
      '"next" or "leastLikely"',
  );
  assertEquals((await run(1, 2)).success.length, 1);
});

Deno.test("pgd() on the divergence from the clean image goes to the side of the ball where it started, whatever the label", async () => {
  // Two classes, one pixel: KL(p(x) || p(x')) is convex in x' with its minimum 0 at x.
  const classifier = linear([[2, -1]], [-0.5, 0.5]);
  const ids = Int32Array.from({ length: 8 }, (_, i) => i);
  const x = float32([8, 1, 1, 1], new Float32Array(8).fill(0.45));
  const sides = Array.from(unitStarts(x.shape, "Linf", ids, rng(0), 0).data, Math.sign);
  assert(sides.includes(1) && sides.includes(-1));
  for (const label of [0, 1]) {
    const batch = { x, y: int32([8], new Int32Array(8).fill(label)), ids };
    const value = await perturb(engine, classifier, batch, { kind: "pgd", steps: 20, loss: "klToClean" }, 0.1, rng(0));
    const found = (await engine.read(value)).data;
    sides.forEach((side, i) => assertAlmostEquals(found[i]!, 0.45 + 0.1 * side, 1e-6));
  }
});

Deno.test("pgd() climbs KL(p(x) || p(x')): its gradient is sum_k (p'_k - p_k) w_k", async () => {
  const softmax = (z: readonly number[]) => {
    const terms = z.map(Math.exp);
    return terms.map((term) => term / terms.reduce((a, b) => a + b));
  };
  const rows = [[2, -1, 0], [-1, 2, 1], [0, 1, -2]];
  const logits = (x: readonly number[]) =>
    [0, 1, 2].map((k) => rows.reduce((sum, row, i) => sum + row[k]! * x[i]!, [0, 0, 0.2][k]!));
  const batch = threeBatch(0);
  const unit = unitStarts(batch.x.shape, "L2", batch.ids, rng(0), 0).data;
  const start = Array.from(unit, (u, i) => batch.x.data[i]! + 0.2 * u);
  const [p, now] = [softmax(logits([0.6, 0.4, 0.5])), softmax(logits(start))];
  const gradient = rows.map((row) => row.reduce((sum, w, k) => sum + w * (now[k]! - p[k]!), 0));
  const spec: PgdSpec = { kind: "pgd", steps: 1, norm: "L2", loss: "klToClean", relativeStepSize: 0.001 };
  const value = await perturb(engine, THREE, batch, spec, 0.2, rng(0));
  const found = (await engine.read(value)).data;
  gradient.forEach((g, i) => {
    assertAlmostEquals((found[i]! - start[i]!) / 0.0002, g / Math.hypot(...gradient), 2e-3);
  });
});

function assertNoHigher(lower: Float32Array, higher: Float32Array): void {
  lower.forEach((value, i) => assertLessOrEqual(value, higher[i]! + 1e-5, `image ${i}`));
}

/** The network with its logits scaled, by a power of two, so that only what depends on the scale can change. */
const scaled = (classifier: Classifier, scale: number): Classifier => ({
  ...classifier,
  logits: (weights, x) => mul(classifier.logits(weights, x), scale),
});

Deno.test("pgd() and fgsm() on ratios of logits do not see their scale, where the cross-entropy saturates", async () => {
  const classifier = mlp(5);
  const batch = await predictedBatch(engine, classifier, 24);
  const sharp = scaled(classifier, 2 ** 14);
  const broken = async (of: Classifier, spec: AttackSpec) => {
    const { success, xAdv } = await runAttack(engine, of, batch, spec, 0.1, rng(0));
    return { fallen: success.filter(Boolean).length, xAdv };
  };
  for (
    const spec of [
      { kind: "fgsm", loss: "dlr" },
      { kind: "pgd", steps: 6, loss: "dlr" },
      { kind: "pgd", steps: 6, norm: "L2", loss: "targetedDlr", target: "leastLikely" },
    ] as const
  ) {
    const [plain, scaled] = [await broken(classifier, spec), await broken(sharp, spec)];
    plain.xAdv.data.forEach((pixel, i) => assertAlmostEquals(scaled.xAdv.data[i]!, pixel, 1e-5));
    if (spec.loss === "dlr") assert(plain.fallen > 0);
  }
  const dlr = await broken(sharp, { kind: "pgd", steps: 6, loss: "dlr" });
  const crossEntropy = await broken(sharp, { kind: "pgd", steps: 6 });
  assert(dlr.fallen > crossEntropy.fallen + 3, `${dlr.fallen} ${crossEntropy.fallen}`);
});

Deno.test("pgd() on the targeted ratio of logits leads to its target", async () => {
  const classifier = mlp(5);
  const batch = await predictedBatch(engine, classifier, 24);
  const towards = (label: number) => (label + 1) % 5;
  const spec: PgdSpec = { kind: "pgd", steps: 20, loss: "targetedDlr", target: "next" };
  const value = await perturb(engine, classifier, batch, spec, 0.3, rng(0));
  const x = await engine.read(value) as AttackBatch["x"];
  value.dispose();
  const aimed = await margins(engine, classifier, { ...batch, x, y: int32([24], batch.y.data.map(towards)) });
  const clean = await margins(engine, classifier, { ...batch, y: int32([24], batch.y.data.map(towards)) });
  assert(clean.every((margin) => margin < 0));
  assert(aimed.every((margin, i) => margin > clean[i]!), "z_t rises against z_y, and here against the others");
  assert(aimed.filter((margin) => margin > 0).length >= 8, aimed.join(" "));
});
