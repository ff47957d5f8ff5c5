import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { float32, int32, rng } from "../../lib/core/mod.ts";
import { createEngine } from "../../lib/engine/mod.ts";
import { lossGapBound } from "../../lib/evaluation/mod.ts";
import { runAttack } from "../../lib/attacks/mod.ts";
import { linear, mlp, randomBatch } from "../attacks/_classifiers.ts";

const engine = await createEngine("reference");

/** log(1 + exp(-m)) of the margin m of class 0, z = (w . x + b, 0). */
const loss = (w: readonly number[], b: number, x: ArrayLike<number>): number =>
  Math.log1p(Math.exp(-w.reduce((sum, each, i) => sum + each * x[i]!, b)));

Deno.test("lossGapBound() of two linear networks has the terms of the closed form", async () => {
  const [student, teacher] = [[3, -2], [1, 0.5]] as const;
  const batch = { x: float32([1, 1, 1, 2], [0.5, 0.25]), y: int32([1], [0]), ids: Int32Array.of(7) };
  const [x, eps] = [[0.5, 0.25], 0.1];
  const xAdv = float32([1, 1, 1, 2], [0.4, 0.35]);
  const networks = [student, teacher].map((w) => linear(w.map((each) => [each, 0]), [0.25, 0])) as [
    ReturnType<typeof linear>,
    ReturnType<typeof linear>,
  ];
  const [found] = await lossGapBound(engine, ...networks, batch, xAdv, eps, rng(1), { starts: 8 });
  const slope = (w: readonly number[]) => w.map((each) => -each * (1 - Math.exp(-loss(w, 0.25, x))));
  const gaps = slope(student).map((each, i) => each - slope(teacher)[i]!);
  assertAlmostEquals(found!.gapL1, Math.abs(gaps[0]!) + Math.abs(gaps[1]!), 1e-5);
  assertAlmostEquals(found!.gapL2, Math.hypot(...gaps), 1e-5);
  const gapAt = (at: readonly number[]) => Math.abs(loss(student, 0.25, at) - loss(teacher, 0.25, at));
  assertAlmostEquals(found!.cleanLossGap, gapAt(x), 1e-5);
  assertAlmostEquals(found!.attackLossGap, gapAt([0.4, 0.35]), 1e-5);
  // The largest error is at a corner, on the side where the loss bends away more.
  const linearity = (w: readonly number[]) =>
    Math.max(...[-1, 1].map((side) => {
      const d = w.map((each) => side * eps * Math.sign(each));
      const change = loss(w, 0.25, x.map((each, i) => each + d[i]!)) - loss(w, 0.25, x);
      return change - d.reduce((sum, each, i) => sum + each * slope(w)[i]!, 0);
    }));
  assertAlmostEquals(found!.linearity, linearity(student), 1e-5);
  assertAlmostEquals(found!.teacherLinearity, linearity(teacher), 1e-5);
  const { cleanLossGap, gapL1, teacherLinearity } = found!;
  assertAlmostEquals(found!.bound, cleanLossGap + eps * gapL1 + found!.linearity + teacherLinearity, 1e-9);
  assertEquals(found!.violated, false);
});

Deno.test("lossGapBound() holds where the search is good, and counts where it is not", async () => {
  const [student, teacher] = [mlp(4, 5), mlp(4, 6)];
  const batch = randomBatch(student, 24);
  const eps = 0.1;
  const { xAdv } = await runAttack(engine, student, batch, { kind: "pgd", steps: 5 }, eps, rng(2));
  const good = await lossGapBound(engine, student, teacher, batch, xAdv, eps, rng(3), { steps: 40, starts: 6 });
  assertEquals(good.filter(({ violated }) => violated).length, 0);
  // One start hardly searches: what it finds makes a smaller bound, and a gap above it is said so.
  const poor = await lossGapBound(engine, student, teacher, batch, xAdv, eps, rng(3), {
    ...{ steps: 1, starts: 1, relativeStepSize: 1e-6, keep: "last" },
  });
  for (const { bound, attackLossGap, searchLossGap, cleanLossGap, violated } of poor) {
    assertEquals(violated, Math.max(attackLossGap, searchLossGap, cleanLossGap) > bound + 1e-5);
  }
  poor.forEach(({ linearity }, i) => assert(linearity <= good[i]!.linearity + 1e-6));
  const same = await lossGapBound(engine, student, student, batch, xAdv, eps, rng(3));
  for (const { gapL1, gapL2, cleanLossGap, attackLossGap, searchLossGap, linearity, teacherLinearity } of same) {
    assertEquals([gapL1, gapL2, cleanLossGap, attackLossGap, searchLossGap], [0, 0, 0, 0, 0]);
    assertEquals(linearity, teacherLinearity);
  }
});
