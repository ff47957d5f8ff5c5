import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreaterOrEqual,
  assertLessOrEqual,
  assertNotEquals,
} from "@std/assert";
import { float32, int32, rng } from "../../lib/core/mod.ts";
import { type Engine, putTree, readTree } from "../../lib/engine/mod.ts";
import {
  type AttackBatch,
  attackName,
  attackPasses,
  type AttackResult,
  ATTACKS,
  type AttackSpec,
  margins,
  runAttack,
  SLOT_ATTACKS,
} from "../../lib/attacks/mod.ts";
import type { Classifier } from "../../lib/models/mod.ts";
import { testOnEngines } from "../testing/engines.ts";
import { counting, distances, linear, mlp, predictedBatch, randomBatch, rowsOf } from "./_classifiers.ts";

/** What every attack must satisfy. A new kind needs its small specs here: without them this file does not compile. */
type Tabled = keyof typeof ATTACKS | keyof typeof SLOT_ATTACKS;
const SMALL: { readonly [K in Tabled]: readonly Extract<AttackSpec, { kind: K }>[] } = {
  fgsm: [{ kind: "fgsm" }, { kind: "fgsm", norm: "L2", loss: "margin" }, { kind: "fgsm", loss: "dlr" }],
  pgd: [
    { kind: "pgd", steps: 5 },
    { kind: "pgd", steps: 4, norm: "L2", restarts: 2 },
    { kind: "pgd", steps: 4, loss: "margin", randomStart: false },
    { kind: "pgd", steps: 4, momentum: 1, target: "leastLikely" },
    { kind: "pgd", steps: 4, norm: "L2", loss: "klToClean" },
    { kind: "pgd", steps: 4, norm: "L2", loss: "dlr", restarts: 2 },
    { kind: "pgd", steps: 4, loss: "targetedDlr", target: "next" },
  ],
  apgd: [
    { kind: "apgd", steps: 8 },
    { kind: "apgd", norm: "L2", loss: "dlr", steps: 6, restarts: 2 },
    { kind: "apgd", norm: "L1", loss: "targetedDlr", steps: 10, targets: 2, largerReps: true },
  ],
  fab: [
    { kind: "fab", steps: 4 },
    { kind: "fab", steps: 3, targets: 2, restarts: 2, norm: "L2" },
    { kind: "fab", steps: 4, targets: 9, norm: "L1" },
  ],
  ddn: [{ kind: "ddn", norm: "L2", steps: 8 }],
  square: [
    { kind: "square", queries: 24 },
    { kind: "square", queries: 24, norm: "L2", restarts: 2 },
    { kind: "square", queries: 24, norm: "L1" },
  ],
};

const ENGINES = ["reference", "onnxruntime", "onnxruntime on webgpu", "tensorflow"];
type Run = (batch: AttackBatch, classifier?: Classifier) => Promise<AttackResult>;
// Attacks for the smallest distance bring nothing home from a ball that is too small for them.
const epsOf = ({ kind, norm = "Linf" }: AttackSpec) =>
  ({ Linf: 0.1, L2: 0.3, L1: 0.8 })[norm] * (kind === "fab" || kind === "ddn" ? 3 : 1);

Deno.test("the tables of attacks and that of small specs have the same kinds", () => {
  assertEquals(Object.keys(SMALL).sort(), [...Object.keys(ATTACKS), ...Object.keys(SLOT_ATTACKS)].sort());
});

for (const spec of Object.values(SMALL).flat() as AttackSpec[]) {
  const name = attackName(spec);
  const eps = epsOf(spec);
  const norm = spec.norm ?? "Linf";
  // Away from the clean image or towards a class is not always away from the label.
  const elsewhere = spec.kind === "pgd" && (spec.target !== undefined || spec.loss === "klToClean");
  // The gradient of a ratio of logits is 0 but for rounding where the label has the third one: labels are right there, and
  // once an image has fallen its way is that of the rounding.
  const ratio = (spec.kind === "fgsm" || spec.kind === "pgd") && spec.loss === "dlr";
  const batchOf = (engine: Engine, classifier: Classifier, count: number) =>
    ratio ? predictedBatch(engine, classifier, count) : randomBatch(classifier, count);
  const test = (criterion: string, body: (run: Run, engine: Engine) => Promise<void>) =>
    testOnEngines(
      `${name} ${criterion}`,
      (engine) => body((batch, classifier = mlp()) => runAttack(engine, classifier, batch, spec, eps, rng(7)), engine),
      ENGINES,
    );

  test("keeps shape, ball and box, also at the border of the box", async (run) => {
    const classifier = mlp();
    const inner = randomBatch(classifier, 8);
    const border = { ...inner, x: float32(inner.x.shape, inner.x.data.map((pixel) => Math.round(pixel))) };
    for (const batch of [inner, border]) {
      const { xAdv } = await run(batch, classifier);
      assertEquals([xAdv.dtype, xAdv.shape], ["float32", batch.x.shape]);
      distances(xAdv, batch.x, norm).forEach((length) => assertLessOrEqual(length, eps + 1e-6));
      assert(xAdv.data.every((pixel) => pixel >= 0 && pixel <= 1));
      // Attacks over slots leave alone what is wrong already, as labels at the border are.
      if (batch === inner || spec.kind in ATTACKS) assertNotEquals(xAdv.data, batch.x.data);
    }
  });

  test("costs what attackPasses() says", async (run) => {
    const { forwardPasses, backwardPasses } = await run(randomBatch(mlp(), 2));
    const most = attackPasses(spec, 4);
    if (spec.kind in ATTACKS) assertEquals({ forwardPasses, backwardPasses }, most);
    assertLessOrEqual(forwardPasses, most.forwardPasses);
    assertLessOrEqual(backwardPasses, most.backwardPasses);
  });

  test("gives the same bits for the same seed", async (run) => {
    const batch = randomBatch(mlp(), 6);
    assertEquals(await run(batch), await run(batch));
  });

  test("gives an image the same result in any batch and order", async (run, engine) => {
    const classifier = mlp();
    const batch = await batchOf(engine, classifier, 8);
    const whole = await run(batch, classifier);
    const size = 12;
    const order = [5, 2, 7, 0, 3, 1, 6, 4];
    const permuted = await run(rowsOf(batch, order), classifier);
    for (let row = 0; row < 8; row++) {
      const alone = await run(rowsOf(batch, [row]), classifier);
      for (const [other, at] of [[alone, 0], [permuted, order.indexOf(row)]] as const) {
        const found = [...other.xAdv.data.slice(at * size, (at + 1) * size), other.margin[at]!];
        const expected = [...whole.xAdv.data.slice(row * size, row * size + size), whole.margin[row]!];
        // Bit for bit on the reference engine, which takes each image's sums in the same order; the native one takes
        // the sums of a matrix product in an order that depends on its size.
        if (engine.name === "reference") assertEquals(found, expected);
        else if (!ratio) found.forEach((value, i) => assertAlmostEquals(value, expected[i]!, 1e-5));
        assertEquals([other.success[at], other.firstStep[at]], [whole.success[row], whole.firstStep[row]]);
      }
    }
  });

  test("lowers the margins of a random network", async (run, engine) => {
    const classifier = mlp();
    const batch = await batchOf(engine, classifier, 16);
    const clean = await margins(engine, classifier, batch);
    const { margin } = await run(batch, classifier);
    // Attacks over slots leave alone what is wrong already.
    const needless = (i: number) => clean[i]! < 0 && spec.kind in SLOT_ATTACKS;
    const lower = margin.filter((value, i) => value < clean[i]! || needless(i)).length;
    assertGreaterOrEqual(lower, elsewhere ? 8 : 15);
  });

  test("serves two and three classes, and images that are all wrong already", async (run, engine) => {
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
      if (!elsewhere) assertEquals(Array.from(result.success), [1, 1, 1, 1, 1, 1]);
      assert((await run(batch, classifier)).margin.every(Number.isFinite));
    }
  });

  test("makes no step where the gradient is zero", async (run) => {
    const classifier = linear([[0, 0], [0, 0]], [1, 0]);
    const batch = { x: float32([1, 1, 1, 2], [0.3, 0.4]), y: int32([1], [0]), ids: Int32Array.of(3) };
    const { margin, success } = await run(batch, classifier);
    assertEquals([margin[0], success[0]], [1, 0]);
  });

  test("leaves the weights alone and leaks nothing", async (_run, engine) => {
    const counted = counting(engine);
    const classifier = mlp();
    const weights = putTree(counted.engine, classifier.weights);
    const before = counted.live();
    await runAttack(counted.engine, { ...classifier, weights }, randomBatch(classifier, 3), spec, eps, rng(0));
    assertEquals(counted.live(), before);
    assertEquals((await readTree(engine, weights)).parameters, classifier.weights.parameters as never);
  });
}
