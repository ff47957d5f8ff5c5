import { assert, assertEquals, assertLessOrEqual, assertRejects } from "@std/assert";
import { DataError, float32, int32, rng, UsageError } from "../../lib/core/mod.ts";
import { add, concat, createEngine, putTree, reshape, sqrt, square, sub, zerosLike } from "../../lib/engine/mod.ts";
import type { Classifier } from "../../lib/models/mod.ts";
import { type AttackSpec, margins, runAttack } from "../../lib/attacks/mod.ts";
import { counting, distances, linear, mlp, randomBatch } from "./_classifiers.ts";

const engine = await createEngine("reference");
const SPEC = { kind: "pgd", steps: 3, restarts: 2 } as const;

Deno.test("runAttack() reports the margins of the very images that it returns", async () => {
  const classifier = mlp();
  const batch = randomBatch(classifier, 16);
  const result = await runAttack(engine, classifier, batch, SPEC, 0.05, rng(0));
  assertEquals(result.margin, await margins(engine, classifier, { ...batch, x: result.xAdv }));
  assertEquals(Array.from(result.success), Array.from(result.margin, (margin) => margin < 0 ? 1 : 0));
  assertEquals(Array.from(result.firstStep, (step) => step >= 0), Array.from(result.success, (s) => s === 1));
  assert(result.success.includes(1) && result.success.includes(0));
});

Deno.test("runAttack() does not believe an attack that leaves the ball: it projects, then measures", async () => {
  const classifier = mlp();
  const batch = randomBatch(classifier, 8);
  // An engine whose images come back far outside of ball and box, as if an attack had put them there.
  const cheating = {
    ...engine,
    read: async (value: Parameters<typeof engine.read>[0]) => {
      const array = await engine.read(value);
      return array.shape.length === 4 ? float32(array.shape, Array.from(array.data, (pixel) => pixel + 3)) : array;
    },
  };
  for (const norm of ["Linf", "L2"] as const) {
    const result = await runAttack(cheating, classifier, batch, { ...SPEC, norm }, 0.1, rng(0));
    distances(result.xAdv, batch.x, norm).forEach((length) => assertLessOrEqual(length, 0.1 + 1e-6));
    assert(result.xAdv.data.every((pixel) => pixel >= 0 && pixel <= 1));
    assertEquals(result.margin, await margins(engine, classifier, { ...batch, x: result.xAdv }));
  }
});

Deno.test("runAttack() refuses a classifier whose gradient is not a number, though its logits are", async () => {
  // z = (sqrt((x - 0.5)^2) + 1, 0) has the gradient 0 / 0 at 0.5.
  const classifier: Classifier = {
    classes: 2,
    inputShape: [1, 1, 1],
    logits: (_, x) => {
      const distance = sqrt(square(sub(reshape(x, [-1, 1]), 0.5)));
      return concat([add(distance, 1), zerosLike(distance)], 1);
    },
    weights: { parameters: {}, buffers: {} },
  };
  const batch = { x: float32([2, 1, 1, 1], [0.25, 0.5]), y: int32([2]), ids: Int32Array.of(8, 9) };
  for (
    const spec of [{ kind: "fgsm", norm: "L2" }, { kind: "pgd", steps: 2, norm: "L2", randomStart: false }] as const
  ) {
    await assertRejects(
      () => runAttack(engine, classifier, batch, spec, 0.1, rng(0)),
      DataError,
      "Cannot attack image 9 as the gradient there is not a number: use a classifier with finite gradients",
    );
  }
});

Deno.test("runAttack() at eps 0 gives the images themselves, with one forward pass and whatever the step length", async () => {
  const classifier = mlp();
  const batch = randomBatch(classifier, 8);
  const clean = await margins(engine, classifier, batch);
  const specs: AttackSpec[] = [
    SPEC,
    { kind: "pgd", steps: 2, stepSize: "2/255" },
    { kind: "fgsm" },
    { kind: "apgd", norm: "L1" },
    { kind: "autoattack", version: [{ kind: "apgd" }, { kind: "fgsm" }] },
  ];
  for (const spec of specs) {
    const result = await runAttack(engine, classifier, batch, spec, 0, rng(0));
    assertEquals(result.xAdv.data, batch.x.data);
    assertEquals(result.margin, clean);
    assertEquals(Array.from(result.firstStep), Array.from(clean, (margin) => margin < 0 ? 0 : -1));
    assertEquals([result.forwardPasses, result.backwardPasses], [1, 0]);
  }
});

Deno.test("runAttack() does not count a tie as a success", async () => {
  const batch = { x: float32([1, 1, 1, 1], [0.5]), y: int32([1], [1]), ids: Int32Array.of(0) };
  const result = await runAttack(engine, linear([[0, 0]], [1, 1]), batch, SPEC, 0.1, rng(0));
  assertEquals([result.margin[0], result.success[0], result.firstStep[0]], [0, 0, -1]);
});

Deno.test("runAttack() gives back what it puts, and leaves values of others alone", async () => {
  const classifier = mlp();
  const batch = randomBatch(classifier, 4);
  const counted = counting(engine);
  await runAttack(counted.engine, classifier, batch, SPEC, 0.1, rng(0));
  assertEquals(counted.live(), 0);
  const weights = putTree(counted.engine, classifier.weights);
  const mine = counted.live();
  const first = await runAttack(counted.engine, { ...classifier, weights }, batch, SPEC, 0.1, rng(0));
  const second = await runAttack(counted.engine, { ...classifier, weights }, batch, SPEC, 0.1, rng(0));
  assertEquals(counted.live(), mine);
  assertEquals(first, second, "the weights were not changed");
});

Deno.test("runAttack() gives everything back when a step fails", async () => {
  const classifier = mlp();
  const counted = counting(engine);
  let calls = 0;
  const failing = {
    ...counted.engine,
    compile: ((fn, options) => {
      const program = counted.engine.compile(fn, options);
      return Object.assign((inputs: Parameters<typeof program>[0]) => {
        if (++calls === 5) throw new Error("out of memory");
        return program(inputs);
      }, program);
    }) as typeof engine.compile,
  };
  const batch = randomBatch(classifier, 4);
  await assertRejects(() => runAttack(failing, classifier, batch, SPEC, 0.1, rng(0)), Error, "out of memory");
  assertEquals(counted.live(), 0);
});

Deno.test("runAttack() compiles once for all radii and step lengths", async () => {
  const classifier = mlp();
  const names: string[] = [];
  const spying = {
    ...engine,
    compile: ((fn, options) => {
      names.push(options?.name ?? "");
      return engine.compile(fn, options);
    }) as typeof engine.compile,
  };
  const batch = randomBatch(classifier, 4);
  for (const eps of [0.1, 0.2, 0.3]) await runAttack(spying, classifier, batch, SPEC, eps, rng(0));
  await runAttack(spying, classifier, batch, { kind: "pgd", steps: 2, stepSize: "0.05" }, 0.1, rng(0));
  assertEquals(names.length, new Set(names).size, names.join());
  assertEquals(names.length, 4, names.join());
});

Deno.test("runAttack() refuses a radius and a spec that cannot be used before it runs anything", async () => {
  const classifier = mlp();
  const batch = randomBatch(classifier, 2);
  await assertRejects(
    () => runAttack(engine, classifier, batch, SPEC, 8, rng(0)),
    UsageError,
    "Cannot use attack at eps 8 as pixels are in [0,1]: write a radius from 0 to 1, such as 8/255",
  );
  await assertRejects(
    () => runAttack(engine, classifier, batch, { kind: "pgd", steps: 1.5 }, 0.1, rng(0)),
    UsageError,
    "Cannot use attack.steps as it is 1.5: write a positive integer",
  );
});
