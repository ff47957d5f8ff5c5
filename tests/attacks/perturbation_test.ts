import { assert, assertAlmostEquals, assertEquals, assertLessOrEqual, assertRejects } from "@std/assert";
import { float32, int32, type NdArray, rng, UsageError } from "../../lib/core/mod.ts";
import { createEngine } from "../../lib/engine/mod.ts";
import { attackName, type AttackSpec, perturb, runAttack } from "../../lib/attacks/mod.ts";
import { counting, distances, hill, linear, mlp, randomBatch, rowsOf } from "./_classifiers.ts";

const engine = await createEngine("reference");

Deno.test("perturb() gives the last iterate on the engine, not the best one", async () => {
  const batch = { x: float32([1, 1, 1, 1], [0.45]), y: int32([1], [0]), ids: Int32Array.of(0) };
  const spec: AttackSpec = { kind: "pgd", steps: 1, randomStart: false, relativeStepSize: 1 };
  const value = await perturb(engine, hill(0.6), batch, spec, 0.4, rng(0));
  assertEquals([value.dtype, value.shape], ["float32", [1, 1, 1, 1]]);
  assertAlmostEquals((await engine.read(value)).data[0]!, 0.85, 1e-6);
});

Deno.test("perturb() reaches the corner of a linear classifier's ball and stays in ball and box", async () => {
  const classifier = linear([[1, -2], [-3, 1], [0.5, 0]], [0.5, 0]);
  const batch = { x: float32([1, 1, 1, 3], [0.6, 0.95, 0.05]), y: int32([1], [0]), ids: Int32Array.of(0) };
  const value = await perturb(engine, classifier, batch, { kind: "pgd", steps: 10 }, 0.1, rng(0));
  const expected = [0.5, 1, 0];
  (await engine.read(value)).data.forEach((pixel, i) => assertAlmostEquals(pixel, expected[i]!, 1e-6));
});

for (
  const spec of [
    { kind: "fgsm" },
    { kind: "pgd", steps: 3, norm: "L2" },
    { kind: "pgd", steps: 3, momentum: 0.9, target: "leastLikely" },
    { kind: "pgd", steps: 3, target: "next" },
    { kind: "pgd", steps: 3, loss: "klToClean" },
  ] as const
) {
  const name = attackName(spec);
  Deno.test(`perturb() does not depend on the batch, takes values and arrays, and keeps nothing (${name})`, async () => {
    const classifier = mlp();
    const batch = randomBatch(classifier, 6);
    const counted = counting(engine);
    const x = counted.engine.put(batch.x);
    const y = counted.engine.put(batch.y);
    const whole = await perturb(counted.engine, classifier, { x, y, ids: batch.ids }, spec, 0.2, rng(1, "step", 4));
    assertEquals(counted.live(), 3, "x, y and the result");
    const images = await engine.read(whole) as NdArray<"float32">;
    const alone = await engine.read(
      await perturb(engine, classifier, rowsOf(batch, [4]), spec, 0.2, rng(1, "step", 4)),
    );
    assertEquals(images.data.slice(4 * 12, 5 * 12), alone.data);
    assert(images.data.every((pixel) => pixel >= 0 && pixel <= 1));
    distances(images, batch.x, "norm" in spec ? spec.norm : "Linf").forEach((length) =>
      assertLessOrEqual(length, 0.2 + 1e-6)
    );
  });
}

Deno.test("perturb() at eps 0 is the identity", async () => {
  const classifier = mlp();
  const batch = randomBatch(classifier, 3);
  for (const norm of ["Linf", "L2"] as const) {
    const value = await perturb(engine, classifier, batch, { kind: "pgd", steps: 2, norm }, 0, rng(0));
    assertEquals((await engine.read(value)).data, batch.x.data);
  }
});

Deno.test("perturb() and runAttack() take the same steps", async () => {
  const classifier = mlp();
  const batch = randomBatch(classifier, 8);
  const verified = await runAttack(engine, classifier, batch, { kind: "fgsm" }, 0.1, rng(0));
  const value = await perturb(engine, classifier, batch, { kind: "fgsm" }, 0.1, rng(0));
  assertEquals((await engine.read(value)).data, verified.xAdv.data);
});

Deno.test("perturb() refuses several restarts, and a spec that cannot be used", async () => {
  const classifier = mlp();
  const batch = randomBatch(classifier, 1);
  await assertRejects(
    () => perturb(engine, classifier, batch, { kind: "pgd", steps: 2, restarts: 3 }, 0.1, rng(0)),
    UsageError,
    "Cannot train on an attack with restarts = 3 as the last iterate is taken: write 1",
  );
  await assertRejects(
    () => perturb(engine, classifier, batch, { kind: "pgd", steps: 0 }, 0.1, rng(0)),
    UsageError,
    "Cannot use attack.steps as it is 0: write a positive integer",
  );
});
