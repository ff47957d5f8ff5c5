import { assert, assertEquals, assertGreaterOrEqual, assertLessOrEqual, assertNotEquals } from "@std/assert";
import { float32, int32, rng } from "../../lib/core/mod.ts";
import { createEngine, putTree, readTree } from "../../lib/engine/mod.ts";
import {
  type AttackBatch,
  attackName,
  attackPasses,
  ATTACKS,
  type AttackSpec,
  margins,
  runAttack,
} from "../../lib/attacks/mod.ts";
import { counting, distances, linear, mlp, randomBatch, rowsOf } from "./_classifiers.ts";

/** What every attack must satisfy. A new kind needs its small specs here: without them this file does not compile. */
const SMALL: { readonly [K in AttackSpec["kind"]]: readonly Extract<AttackSpec, { kind: K }>[] } = {
  fgsm: [{ kind: "fgsm" }, { kind: "fgsm", norm: "L2", loss: "margin" }],
  pgd: [
    { kind: "pgd", steps: 5 },
    { kind: "pgd", steps: 4, norm: "L2", restarts: 2 },
    { kind: "pgd", steps: 4, loss: "margin", randomStart: false },
  ],
};

const engine = await createEngine("reference");
const epsOf = (spec: AttackSpec) => spec.norm === "L2" ? 0.3 : 0.1;

Deno.test("ATTACKS and the table of small specs have the same kinds", () => {
  assertEquals(Object.keys(SMALL).sort(), Object.keys(ATTACKS).sort());
});

for (const spec of Object.values(SMALL).flat() as AttackSpec[]) {
  const name = attackName(spec);
  const eps = epsOf(spec);
  const norm = spec.norm ?? "Linf";
  const run = (batch: AttackBatch, classifier = mlp(), seed = 7) =>
    runAttack(engine, classifier, batch, spec, eps, rng(seed));

  Deno.test(`${name} keeps shape, ball and box, also at the border of the box`, async () => {
    const classifier = mlp();
    const inner = randomBatch(classifier, 8);
    const border = { ...inner, x: float32(inner.x.shape, inner.x.data.map((pixel) => Math.round(pixel))) };
    for (const batch of [inner, border]) {
      const { xAdv } = await run(batch, classifier);
      assertEquals([xAdv.dtype, xAdv.shape], ["float32", batch.x.shape]);
      distances(xAdv, batch.x, norm).forEach((length) => assertLessOrEqual(length, eps + 1e-6));
      assert(xAdv.data.every((pixel) => pixel >= 0 && pixel <= 1));
      assertNotEquals(xAdv.data, batch.x.data);
    }
  });

  Deno.test(`${name} costs what attackPasses() says`, async () => {
    const { forwardPasses, backwardPasses } = await run(randomBatch(mlp(), 2));
    assertEquals({ forwardPasses, backwardPasses }, attackPasses(spec));
  });

  Deno.test(`${name} gives the same bits for the same seed`, async () => {
    const batch = randomBatch(mlp(), 6);
    assertEquals(await run(batch), await run(batch));
  });

  Deno.test(`${name} gives an image the same result in any batch and order`, async () => {
    const classifier = mlp();
    const batch = randomBatch(classifier, 8);
    const whole = await run(batch, classifier);
    const size = 12;
    const order = [5, 2, 7, 0, 3, 1, 6, 4];
    const permuted = await run(rowsOf(batch, order), classifier);
    for (let row = 0; row < 8; row++) {
      const alone = await run(rowsOf(batch, [row]), classifier);
      for (const [other, at] of [[alone, 0], [permuted, order.indexOf(row)]] as const) {
        // Bit for bit on this engine: each image's sums are taken in the same order.
        assertEquals(
          other.xAdv.data.slice(at * size, (at + 1) * size),
          whole.xAdv.data.slice(row * size, row * size + size),
        );
        assertEquals(
          [other.margin[at], other.success[at], other.firstStep[at]],
          [whole.margin[row], whole.success[row], whole.firstStep[row]],
        );
      }
    }
  });

  Deno.test(`${name} lowers the margins of a random network`, async () => {
    const classifier = mlp();
    const batch = randomBatch(classifier, 16);
    const clean = await margins(engine, classifier, batch);
    const { margin } = await run(batch, classifier);
    const lower = margin.filter((value, i) => value < clean[i]!).length;
    assertGreaterOrEqual(lower, 15);
  });

  Deno.test(`${name} serves two and three classes, and images that are all wrong already`, async () => {
    for (const classes of [2, 3]) {
      const classifier = mlp(classes);
      const batch = randomBatch(classifier, 6);
      const clean = await margins(engine, classifier, batch);
      // Every label set to the class that loses by most.
      const wrong = {
        ...batch,
        y: int32([6], Array.from(batch.y.data, (y, i) => clean[i]! < 0 ? y : (y + 1) % classes)),
      };
      assert((await margins(engine, classifier, wrong)).every((margin) => margin < 0));
      const result = await run(wrong, classifier);
      assert(result.margin.every(Number.isFinite));
      assertEquals(Array.from(result.success), [1, 1, 1, 1, 1, 1]);
      assert((await run(batch, classifier)).margin.every(Number.isFinite));
    }
  });

  Deno.test(`${name} makes no step where the gradient is zero`, async () => {
    const classifier = linear([[0, 0], [0, 0]], [1, 0]);
    const batch = { x: float32([1, 1, 1, 2], [0.3, 0.4]), y: int32([1], [0]), ids: Int32Array.of(3) };
    const { margin, success } = await run(batch, classifier);
    assertEquals([margin[0], success[0]], [1, 0]);
  });

  Deno.test(`${name} leaves the weights alone and leaks nothing`, async () => {
    const counted = counting(engine);
    const classifier = mlp();
    const weights = putTree(counted.engine, classifier.weights);
    const before = counted.live();
    await runAttack(counted.engine, { ...classifier, weights }, randomBatch(classifier, 3), spec, eps, rng(0));
    assertEquals(counted.live(), before);
    assertEquals((await readTree(engine, weights)).parameters, classifier.weights.parameters as never);
  });
}
