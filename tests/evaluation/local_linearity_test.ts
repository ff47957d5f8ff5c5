import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { float32, int32, rng, UsageError } from "../../lib/core/mod.ts";
import {
  add,
  concat,
  createEngine,
  exp,
  log,
  matMul,
  neg,
  reshape,
  softplus,
  square,
  sub,
  sum,
  tanh,
  type Tensor,
  zerosLike,
} from "../../lib/engine/mod.ts";
import type { Classifier, Weights } from "../../lib/models/mod.ts";
import { linearityPoints, localLinearity, RELEASED_LOCAL_LINEARITY } from "../../lib/evaluation/mod.ts";
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

Deno.test("linearityPoints() gives the same errors, and the points in ball and box where the loss has them", async () => {
  const [eps, starts] = [0.1, 4];
  const { errors, points } = await linearityPoints(engine, BINARY, BATCH, eps, rng(1), { starts });
  assertEquals(errors, await localLinearity(engine, BINARY, BATCH, eps, rng(1), { starts }));
  const sum = (of: (i: number) => number) => [0, 1, 2, 3].reduce((total, i) => total + of(i), 0);
  errors.forEach((error, row) => {
    const at = BATCH.x.data.subarray(4 * row, 4 * row + 4);
    const to = points.data.subarray(4 * row, 4 * row + 4);
    for (let i = 0; i < 4; i++) assert(Math.abs(to[i]! - at[i]!) <= eps + 1e-6 && to[i]! >= 0 && to[i]! <= 1);
    const side = BATCH.y.data[row] === 0 ? 1 : -1;
    const m = side * (sum((i) => W[i]! * at[i]!) - 1.5);
    const t = side * sum((i) => W[i]! * (to[i]! - at[i]!));
    const loss = (margin: number) => Math.log1p(Math.exp(-margin));
    assertAlmostEquals(Math.abs(loss(m + t) - loss(m) + t / (1 + Math.exp(m))), error, 1e-5);
  });
  assertEquals((await linearityPoints(engine, BINARY, BATCH, 0, rng(1))).points, BATCH.x);
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

const flat = (x: Tensor): Tensor => reshape(x, [x.shape[0]!, -1]);

/** Two classes with p_0 = exp(-q): the cross-entropy of class 0 is q itself, here 1 + ||(x - 1/2) A||^2. */
const quadraticLogits = ({ parameters }: Weights<Tensor>, x: Tensor): Tensor => {
  const q = add(sum(square(matMul(sub(flat(x), 0.5), parameters.a!)), 1, true), 1);
  return concat([sub(neg(q), log(sub(1, exp(neg(q))))), zerosLike(q)], 1);
};

function quadratic(a: readonly (readonly number[])[]): Classifier {
  const weights = { parameters: { a: float32([a.length, a[0]!.length], a.flat()) }, buffers: {} };
  return { classes: 2, inputShape: [1, 1, a.length], logits: quadraticLogits, weights };
}

Deno.test("localLinearity() of a quadratic loss is the largest value of its form, whatever the image", async () => {
  const x = float32([3, 1, 1, 3], [0.5, 0.4, 0.6, 0.3, 0.7, 0.5, 0.6, 0.6, 0.2]);
  const batch: AttackBatch = { x, y: int32([3]), ids: Int32Array.of(1, 2, 3) };
  // ||d A||^2: of a diagonal A it is largest at a corner, of a column at eps times the dual norm of the column.
  const diagonal = quadratic([[1, 0, 0], [0, 2, 0], [0, 0, 3]]);
  const column = quadratic([[1], [-2], [3]]);
  const cases = [
    [diagonal, "Linf", 0.01 * (1 + 4 + 9)],
    [diagonal, "L2", 0.01 * 9],
    [column, "Linf", 0.01 * 6 ** 2],
    [column, "L2", 0.01 * (1 + 4 + 9)],
  ] as const;
  for (const [classifier, norm, wanted] of cases) {
    const found = await localLinearity(engine, classifier, batch, 0.1, rng(1), { norm, starts: 4 });
    found.forEach((error) => assertAlmostEquals(error, wanted, 0.01 * wanted));
  }
});

const ACTIVATIONS = {
  tanh: { op: tanh, f: Math.tanh },
  softplus: { op: softplus, f: (z: number) => Math.log1p(Math.exp(z)) },
} as const;

/** A random network of few pixels -> 12 -> 3 classes, and its cross-entropy in float64. */
function tiny(activation: keyof typeof ACTIVATIONS, pixels: number, seed: number) {
  const { op, f } = ACTIVATIONS[activation];
  const w1 = float32([pixels, 12], rng(seed, "w1").normal(12 * pixels, 0, 3));
  const b1 = float32([12], rng(seed, "b1").normal(12, 0, 1.5));
  const w2 = float32([12, 3], rng(seed, "w2").normal(36));
  const classifier: Classifier = {
    classes: 3,
    inputShape: [1, 1, pixels],
    logits: ({ parameters }, x) => matMul(op(add(matMul(flat(x), parameters.w1!), parameters.b1!)), parameters.w2!),
    weights: { parameters: { w1, b1, w2 }, buffers: {} },
  };
  const loss = (x: readonly number[], label: number): number => {
    const hidden = Array.from(b1.data, (b, h) => f(x.reduce((z, pixel, i) => z + pixel * w1.data[12 * i + h]!, b)));
    const z = [0, 1, 2].map((k) => hidden.reduce((total, value, h) => total + value * w2.data[3 * h + k]!, 0));
    return Math.log(z.reduce((total, value) => total + Math.exp(value), 0)) - z[label]!;
  };
  return { classifier, loss };
}

/** The largest error at the points of a grid over ball and box, and of a finer one around the best of them. */
function onGrid(
  loss: (x: readonly number[]) => number,
  x: readonly number[],
  eps: number,
  norm: "Linf" | "L2",
  points: number,
): number {
  const gradient = x.map((_, i) => {
    const at = (h: number) => loss(x.with(i, x[i]! + h));
    return (at(1e-5) - at(-1e-5)) / 2e-5;
  });
  const middle = loss(x);
  let best = { error: 0, d: x.map(() => 0) };
  for (const span of [eps, 2 * eps / (points - 1)]) {
    const centre = best.d;
    for (let k = 0; k < points ** x.length; k++) {
      const d = x.map((pixel, i) => {
        const share = 2 * (Math.floor(k / points ** i) % points) / (points - 1) - 1;
        const moved = Math.min(Math.max(centre[i]! + span * share, -eps), eps);
        return Math.min(Math.max(pixel + moved, 0), 1) - pixel;
      });
      if (norm === "L2" && Math.hypot(...d) > eps) continue;
      const linear = d.reduce((total, each, i) => total + each * gradient[i]!, middle);
      const error = Math.abs(loss(x.map((pixel, i) => pixel + d[i]!)) - linear);
      if (error > best.error) best = { error, d };
    }
  }
  return best.error;
}

Deno.test("localLinearity() comes close to an exhaustive search of tiny networks, and not above it", async () => {
  const count = 12;
  const means: number[] = [];
  for (const [activation, pixels, norm] of [["tanh", 2, "Linf"], ["softplus", 3, "Linf"], ["tanh", 3, "L2"]] as const) {
    const { classifier, loss } = tiny(activation, pixels, 2);
    const batch: AttackBatch = {
      x: float32([count, 1, 1, pixels], rng(2, "x").uniform(count * pixels)),
      y: int32([count], rng(2, "y").integers(count, 3)),
      ids: Int32Array.from({ length: count }, (_, i) => i),
    };
    const wanted = Array.from({ length: count }, (_, row) => {
      const x = Array.from(batch.x.data.subarray(row * pixels, (row + 1) * pixels));
      return onGrid((at) => loss(at, batch.y.data[row]!), x, 0.2, norm, pixels === 2 ? 81 : 25);
    });
    const shares = async (starts: number) =>
      Array.from(
        await localLinearity(engine, classifier, batch, 0.2, rng(1), { norm, starts }),
        (error, row) => error / wanted[row]!,
      );
    const [many, few] = [await shares(16), await shares(2)];
    // A coarse grid in three dimensions misses narrow maxima.
    for (const share of [...many, ...few]) assert(share < (pixels === 2 ? 1.001 : 1.05), `${activation}: ${share}`);
    const close = many.filter((share) => share > 0.95).length;
    assert(close >= count - 1, `${activation} ${norm}: ${many}`);
    means.push(few.reduce((total, share) => total + share, 0) / count);
  }
  // From two starts some images are left at a lower maximum.
  assert((means[0]! + means[1]! + means[2]!) / 3 > 0.85, `${means}`);
});

Deno.test("localLinearity() does not fall with more steps, more starts, or a larger ball", async () => {
  const classifier = mlp();
  const batch = randomBatch(classifier, 6);
  const found = (eps: number, spec: Parameters<typeof localLinearity>[5] = {}) =>
    localLinearity(engine, classifier, batch, eps, rng(1), spec);
  const rises = (values: readonly Float32Array[], name: string) =>
    values.slice(1).forEach((after, k) => {
      after.forEach((error, row) => assert(error >= values[k]![row]!, `${name}: ${values.map((each) => each[row])}`));
    });
  rises([await found(0.1, { steps: 2 }), await found(0.1, { steps: 8 }), await found(0.1, { steps: 30 })], "steps");
  rises([await found(0.1, { starts: 1 }), await found(0.1, { starts: 2 }), await found(0.1, { starts: 5 })], "starts");
  const radii = [0, 0.01, 0.03, 0.06, 0.1, 0.15];
  rises(await Promise.all(radii.map((eps) => found(eps, { starts: 8 }))), "eps");
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
