import { assert, assertAlmostEquals, assertEquals, assertLessOrEqual } from "@std/assert";
import { float32, int32, type NdArray, rng, scalar } from "../../lib/core/mod.ts";
import {
  add,
  createEngine,
  type Engine,
  matMul,
  mul,
  reshape,
  square,
  tanh,
  type Tensor,
  type Value,
} from "../../lib/engine/mod.ts";
import {
  apgd,
  type ApgdSpec,
  attackImages,
  type AttackSpec,
  margins,
  type Norm,
  runAttack,
  type Slot,
} from "../../lib/attacks/mod.ts";
import { CLEVERHANS, cleverhansMargin, distances, linear, mlp, predictedBatch, rowsOf } from "./_classifiers.ts";
import GOLDEN from "../golden/apgd.json" with { type: "json" };

const engine = await createEngine("reference");

// The network, images and starts of the values from the published code: fractions that every language rounds alike.
const [INPUTS, HIDDEN, CLASSES] = [12, 10, 5];
const fraction = (i: number, a: number, b: number) => ((i * a + b) % 101) / 50 - 1;
const made = (shape: readonly number[], of: (i: number) => number) =>
  float32(shape, Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => of(i)));
const WEIGHTS = {
  w1: made([INPUTS, HIDDEN], (i) => fraction(i, 37, 11)),
  b1: made([HIDDEN], (i) => fraction(i, 53, 7)),
  w2: made([HIDDEN, HIDDEN], (i) => fraction(i, 31, 19) * 1.5),
  w3: made([HIDDEN, CLASSES], (i) => fraction(i, 29, 3) * 2),
};
const X = made([2, 1, 1, INPUTS], (i) => (fraction(i, 41, i < INPUTS ? 17 : 47) + 1) / 2 * 0.75 + 0.125);
const START = made([2, 1, 1, INPUTS], (i) => ((i * 23 + 5) % 65 - 32) / 32);

function network({ w1, b1, w2, w3 }: Readonly<Record<keyof typeof WEIGHTS, Tensor>>, x: Tensor): Tensor {
  const first = add(matMul(reshape(x, [-1, INPUTS]), w1), b1);
  return matMul(tanh(matMul(tanh(mul(square(first), 1.25)), w2)), w3);
}

type Case = keyof typeof GOLDEN.cases;
const LOSSES = { "ce": "crossEntropy", "dlr": "dlr", "dlr-targeted": "targetedDlr" } as const;

/** Best losses and step lengths of 100 steps of both images, those of the given iterations. */
async function trajectory(on: Engine, name: Case): Promise<{ best: number[][]; length: number[][] }> {
  const { eps } = GOLDEN.cases[name];
  const [norm, loss, larger] = name.split(" ") as [Norm, keyof typeof LOSSES, string | undefined];
  const spec: ApgdSpec = { kind: "apgd", norm, loss: LOSSES[loss], largerReps: larger !== undefined };
  const attack = apgd(spec, { classes: CLASSES, inputShape: [1, 1, INPUTS], eps, rng: rng(0) });
  const z = (await on.read(
    await on.compile(({ weights, x }: { weights: Record<string, Tensor>; x: Tensor }) => network(weights as never, x))({
      weights: WEIGHTS,
      x: X,
    }),
  )).data;
  const orders = [0, 1].map((row) => {
    const own = Array.from(z.subarray(row * CLASSES, (row + 1) * CLASSES));
    return own.keys().toArray().sort((a, b) => own[b]! - own[a]!);
  });
  const program = on.compile((inputs: object) => {
    const { weights, ...others } = inputs as { weights: never };
    return attack.step({ ...others as Parameters<typeof attack.step>[0], logits: (x) => network(weights, x) });
  }) as unknown as (inputs: object) => Promise<{ state: { bestLoss: Value; length: Value } }>;
  const lengthOf = {
    Linf: (d: number[]) => Math.max(...d.map(Math.abs)),
    L2: (d: number[]) => Math.hypot(...d),
    L1: () => 1,
  };
  const start = float32(
    START.shape,
    [0, 1].flatMap((row) => {
      const d = Array.from(START.data.subarray(row * INPUTS, (row + 1) * INPUTS));
      return d.map((value) => value / lengthOf[norm](d));
    }),
  );
  const result = { best: [[], []] as number[][], length: [[], []] as number[][] };
  let state = attack.state([2, 1, 1, INPUTS]) as unknown as { length: Value };
  let iteration = 0;
  for (let step = 0; step < attack.steps; step++) {
    const slot: Slot = { id: 0, label: 0, trial: 0, step, order: new Int32Array(4) };
    const one = attack.feeds(slot) as Readonly<Record<string, NdArray>>;
    const feeds = Object.fromEntries(
      Object.entries(one).map(([key, { data }]) => [key, float32([2], [data[0]!, data[0]!])]),
    );
    const length = (await on.read(state.length)).data;
    const next = await program({
      weights: WEIGHTS,
      x: X,
      y: int32([2], orders.map((order) => order[0]!)),
      fresh: float32([2], step === 0 ? [1, 1] : [0, 0]),
      eps: scalar(eps),
      state,
      trial: { start, target: int32([2], orders.map((order) => order[2]!)) },
      feeds,
    });
    state = next.state;
    if (step === 0 || feeds.begin?.data[0] === 1) continue;
    if (iteration++ % 5 !== 0) continue;
    const best = (await on.read(next.state.bestLoss)).data;
    for (const row of [0, 1]) {
      result.best[row]!.push(best[row]!);
      result.length[row]!.push(length[row]!);
    }
  }
  return result;
}

for (const name of Object.keys(GOLDEN.cases) as Case[]) {
  // On the reference engine alone: its rounding is the same everywhere, and steps amplify it.
  Deno.test(`apgd() takes the steps of the published code: ${name}`, async () => {
    const { best, length } = await trajectory(engine, name);
    const golden = GOLDEN.cases[name];
    for (const row of [0, 1]) {
      // A step length is eps by a power of 2 (of 1.5 in L1): another decision would be another number.
      length[row]!.forEach((value, i) => assertAlmostEquals(value, golden.length[row]![i]!, 1e-6, `length ${i}`));
      // Rounding grows over the steps of L2, which goes through a curved loss.
      best[row]!.forEach((value, i) => assertAlmostEquals(value, golden.best[row]![i]!, 2e-3, `loss ${i}`));
      assertAlmostEquals(best[row]![3]!, golden.best[row]![3]!, 2e-5);
    }
  });
}

Deno.test("apgd() reaches the closed form of a linear classifier in every norm, with every loss", async () => {
  // w_0 - w_1 = (3, -4, 0.5); the third class never matters.
  const classifier = linear([[1, -2, 0], [-3, 1, 0], [0.5, 0, 0], [0, 0, 0]], [0.5, 0, -9]);
  const x = float32([2, 1, 1, 4], [0.6, 0.4, 0.5, 0.5, 0.5, 0.45, 0.5, 0.5]);
  const batch = { x, y: int32([2], [0, 0]), ids: Int32Array.of(0, 1) };
  const clean = await margins(engine, classifier, batch);
  // Radii at which both stand to the end: what is found is the lowest margin.
  for (const [norm, dual, eps] of [["Linf", 7.5, 0.05], ["L2", Math.sqrt(25.25), 0.08], ["L1", 4, 0.1]] as const) {
    for (const loss of ["crossEntropy", "margin", "dlr", "targetedDlr"] as const) {
      const spec: AttackSpec = { kind: "apgd", norm, loss, steps: norm === "L1" ? 60 : 30 };
      const result = await runAttack(engine, classifier, batch, spec, eps, rng(0));
      result.margin.forEach((margin, i) => {
        const lowest = clean[i]! - eps * dual;
        assert(lowest > 0);
        assertAlmostEquals(margin, lowest, 2e-3 * eps * dual, `${norm} ${loss}`);
        assert(margin >= lowest - 1e-5, "nothing in the ball is lower");
      });
    }
  }
});

Deno.test("apgd() in L1 fills pixels up to the box and goes on with the next best ones", async () => {
  // The margin 4 a + 3 b - c + 1, a and b 0.1 above the border: the best of radius 0.5 is -0.1, -0.1, and c + 0.3.
  const classifier = linear([[4, 0], [3, 0], [0, 1]], [1, 0]);
  const batch = { x: float32([1, 1, 1, 3], [0.1, 0.1, 0.2]), y: int32([1], [0]), ids: Int32Array.of(5) };
  for (const largerReps of [false, true]) {
    const spec: AttackSpec = { kind: "apgd", norm: "L1", loss: "margin", steps: 60, largerReps };
    const { margin, xAdv } = await runAttack(engine, classifier, batch, spec, 0.5, rng(0));
    // Steps are no shorter than a tenth of the radius.
    assertAlmostEquals(margin[0]!, 0.5, 0.05);
    [0, 0, 0.5].forEach((pixel, i) => assertAlmostEquals(xAdv.data[i]!, pixel, 0.05));
    assertAlmostEquals(distances(xAdv, batch.x, "L1")[0]!, 0.5, 1e-6);
  }
});

Deno.test("apgd() finds the lowest margin of the 2-2-2 network of cleverhans (exhaustive search)", async () => {
  const centres = [[0.2, 0.7], [0.6, 0.3], [0.9, 0.95], [0.05, 0.1]];
  const labels = centres.map(([a, b]) => cleverhansMargin(a!, b!, 0) > 0 ? 0 : 1);
  const x = float32([4, 1, 1, 2], centres.flat());
  const batch = { x, y: int32([4], labels), ids: Int32Array.from(labels.keys()) };
  for (const norm of ["Linf", "L2", "L1"] as const) {
    const result = await runAttack(
      engine,
      CLEVERHANS,
      batch,
      { kind: "apgd", norm, steps: 40, restarts: 3 },
      0.15,
      rng(0),
    );
    centres.forEach(([a, b], i) => {
      const lowest = lowestOnGrid(a!, b!, labels[i]!, norm, 0.15);
      if (lowest < 0) assert(result.margin[i]! < 0, `${norm} image ${i}`);
      else assertAlmostEquals(result.margin[i]!, lowest, norm === "L1" ? 0.01 : 5e-3, `${norm} image ${i}`);
    });
  }
});

function lowestOnGrid(a: number, b: number, label: number, norm: Norm, eps: number): number {
  let lowest = Infinity;
  const inside = {
    Linf: () => true,
    L2: (da: number, db: number) => Math.hypot(da, db) <= eps + 1e-9,
    L1: (da: number, db: number) => Math.abs(da) + Math.abs(db) <= eps + 1e-9,
  }[norm];
  for (let da = -eps; da <= eps + 1e-9; da += eps / 100) {
    for (let db = -eps; db <= eps + 1e-9; db += eps / 100) {
      const box = a + da >= 0 && a + da <= 1 && b + db >= 0 && b + db <= 1;
      if (inside(da, db) && box) lowest = Math.min(lowest, cleverhansMargin(a + da, b + db, label));
    }
  }
  return lowest;
}

Deno.test("apgd() breaks no fewer images in a larger ball, with more restarts, and than pgd with as many steps", async () => {
  const classifier = mlp(5);
  const batch = await predictedBatch(engine, classifier, 40);
  for (
    const [norm, radii] of [["Linf", [0.03, 0.06, 0.1]], ["L2", [0.1, 0.2, 0.3]], ["L1", [0.2, 0.5, 0.8]]] as const
  ) {
    const broken: number[] = [];
    const count = async (spec: AttackSpec, eps: number) =>
      (await runAttack(engine, classifier, batch, spec, eps, rng(0))).success.reduce((sum, each) => sum + each, 0);
    for (const eps of radii) {
      const one = await count({ kind: "apgd", norm, steps: 12 }, eps);
      broken.push(one);
      assertLessOrEqual(one, await count({ kind: "apgd", norm, steps: 12, restarts: 2 }, eps));
      if (norm !== "L1") assertLessOrEqual(await count({ kind: "pgd", norm, steps: 12 }, eps), one);
    }
    assert(broken[0]! < broken[1]! && broken[1]! < broken[2]!, `${norm}: ${broken}`);
  }
});

Deno.test("apgd() tries the target classes by their clean logits, each with its restarts", () => {
  const setting = { classes: 5, inputShape: [1, 1, 2], eps: 0.1, rng: rng(0) };
  const attack = apgd({ kind: "apgd", loss: "targetedDlr", targets: 3, restarts: 2 }, setting);
  assertEquals([attack.trials, attack.steps], [6, 101]);
  const targets = Array.from({ length: 6 }, (_, trial) => {
    const slot: Slot = { id: 1, label: 2, trial, step: 0, order: Int32Array.of(4, 0, 3, 1) };
    return (attack.trial(slot) as unknown as { target: NdArray }).target.data[0];
  });
  assertEquals(targets, [4, 4, 0, 0, 3, 3]);
  assertEquals(apgd({ kind: "apgd", loss: "targetedDlr" }, setting).trials, 4, "no more than there are");
  assertEquals(apgd({ kind: "apgd", norm: "L1", largerReps: true }, setting).steps, 31 + 31 + 41);
});

Deno.test("apgd() in phases of larger radii counts nothing that lies outside of the ball", async () => {
  const classifier = mlp(5);
  const batch = await predictedBatch(engine, classifier, 40);
  const spec: AttackSpec = { kind: "apgd", norm: "L1", steps: 10, largerReps: true };
  const images = { count: 40, load: (positions: readonly number[]) => rowsOf(batch, positions) };
  let broken = 0;
  for await (const event of attackImages(engine, classifier, images, spec, 0.5, rng(0), 8)) {
    if (event.kind === "passes" || event.margin >= 0) continue;
    broken++;
    // The first look in the ball is the start of the last phase, after 4 + 4 looks.
    assert(event.firstStep >= 8, String(event.firstStep));
  }
  assert(broken > 5);
});
