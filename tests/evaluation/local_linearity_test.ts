import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { float32, int32, rng, UsageError } from "../../lib/core/mod.ts";
import { createEngine } from "../../lib/engine/mod.ts";
import { localLinearity, RELEASED_LOCAL_LINEARITY } from "../../lib/evaluation/mod.ts";
import type { AttackBatch } from "../../lib/attacks/mod.ts";
import { counting, linear, mlp, randomBatch, rowsOf } from "../attacks/_classifiers.ts";

const engine = await createEngine("reference");

/** Two classes, z = (w . x, 0): the margin of class 0 is w . x + b, and the loss log(1 + exp(-margin)). */
const W = [3, -2, 1, 4];
const BINARY = linear(W.map((w) => [w, 0]), [-1.5, 0]);
const BATCH: AttackBatch = {
  x: float32([3, 1, 1, 4], [0.5, 0.4, 0.5, 0.5, 0.3, 0.6, 0.4, 0.2, 0.6, 0.5, 0.5, 0.7]),
  y: int32([3], [0, 0, 1]),
  ids: Int32Array.of(4, 9, 17),
};

/** max over |t| <= eps ||w|| of l(m + t) - l(m) - t l'(m), which is convex in t: at one of the ends. */
function exact(row: number, reach: number): number {
  const z = W.reduce((sum, w, i) => sum + w * BATCH.x.data[4 * row + i]!, -1.5);
  const m = BATCH.y.data[row] === 0 ? z : -z;
  const loss = (margin: number) => Math.log1p(Math.exp(-margin));
  const slope = -1 / (1 + Math.exp(m));
  return Math.max(...[-reach, reach].map((t) => loss(m + t) - loss(m) - t * slope));
}

Deno.test("localLinearity() finds the known error of a linear network of two classes, in both norms", async () => {
  const cases = [["Linf", 0.1, false], ["Linf", 0.1, true], ["L2", 0.1, false], ["Linf", 0.02, false]] as const;
  for (const [norm, eps, signed] of cases) {
    const found = await localLinearity(engine, BINARY, BATCH, eps, rng(1), { norm, signed, starts: 8 });
    const length = norm === "Linf" ? 10 : Math.sqrt(30);
    found.forEach((error, row) => assertAlmostEquals(error, exact(row, eps * length), 1e-5));
  }
});

Deno.test("localLinearity() of the released code is the signed error of its last iterate, a corner of the ball", async () => {
  const found = await localLinearity(engine, BINARY, BATCH, 0.1, rng(3), RELEASED_LOCAL_LINEARITY);
  found.forEach((error, row) => {
    // One start sees one of the two ends.
    const z = W.reduce((sum, w, i) => sum + w * BATCH.x.data[4 * row + i]!, -1.5);
    const m = BATCH.y.data[row] === 0 ? z : -z;
    const ends = [-1, 1].map((t) => Math.log1p(Math.exp(-m - t)) - Math.log1p(Math.exp(-m)) + t / (1 + Math.exp(m)));
    assert(ends.some((end) => Math.abs(end - error) < 1e-5), `${error} is none of ${ends}`);
  });
});

Deno.test("localLinearity() is 0 at radius 0, grows with the radius, and is each image's own", async () => {
  const classifier = mlp();
  const batch = randomBatch(classifier, 4);
  const at = (eps: number, of = batch) => localLinearity(engine, classifier, of, eps, rng(1));
  assertEquals(Array.from(await at(0)), [0, 0, 0, 0]);
  const [small, large] = [await at(0.02), await at(0.1)];
  small.forEach((error, i) => assert(0 < error && error < large[i]!));
  const alone = await at(0.1, rowsOf(batch, [2]));
  assertAlmostEquals(alone[0]!, large[2]!, 1e-6);
});

Deno.test("localLinearity() gives back what it put on the engine, and refuses settings that are none", async () => {
  const { engine: counted, live } = counting(engine);
  await localLinearity(counted, BINARY, BATCH, 0.1, rng(1), { steps: 3 });
  await localLinearity(counted, BINARY, BATCH, 0.1, rng(1), { steps: 3, keep: "last" });
  assertEquals(live(), 0);
  const refuses = async (spec: Parameters<typeof localLinearity>[5], message: string) => {
    const run = () => localLinearity(engine, BINARY, BATCH, 0.1, rng(1), spec);
    assertEquals((await assertRejects(run, UsageError) as Error).message, message);
  };
  await refuses({ steps: 0 }, "Cannot measure local linearity with steps = 0: write a positive integer");
  await refuses({ starts: 1.5 }, "Cannot measure local linearity with starts = 1.5: write a positive integer");
  await refuses({ stepSize: 0 }, "Cannot measure local linearity in steps of 0: write a length above 0");
});
