import { assert, assertAlmostEquals, assertEquals, assertLessOrEqual, assertRejects } from "@std/assert";
import { DataError, float32, int32, rng, UsageError } from "../../lib/core/mod.ts";
import { add, createEngine, type Engine, mul, reshape, sqrt, sub, sum, type Tensor } from "../../lib/engine/mod.ts";
import {
  type AttackBatch,
  type DdnSpec,
  type FabSpec,
  margins,
  type Norm,
  smallestPerturbations,
} from "../../lib/attacks/mod.ts";
import type { Classifier, Weights } from "../../lib/models/mod.ts";
import { testOnEngines } from "../testing/engines.ts";
import { counting, linear, mlp, predictedBatch, rowsOf } from "./_classifiers.ts";
import { batchOf, linearCase } from "./_points.ts";
import { dot, lengthOf, shortestWay } from "./_shortest_way.ts";

const reference = await createEngine("reference");
const NORMS: readonly Norm[] = ["Linf", "L2", "L1"];

async function run(
  classifier: Classifier,
  batch: AttackBatch,
  spec: FabSpec | DdnSpec,
  { engine = reference, batchSize = 64, seed = 0 }: { engine?: Engine; batchSize?: number; seed?: number } = {},
) {
  const images = { count: batch.ids.length, load: (positions: readonly number[]) => rowsOf(batch, positions) };
  const events = await Array.fromAsync(
    smallestPerturbations(engine, classifier, images, spec, rng(seed), batchSize),
  );
  const found = events.filter((event) => event.kind === "image").toSorted((a, b) => a.position - b.position);
  const passes = events.reduce((all, event) => all + (event.kind === "passes" ? event.passes : 0), 0);
  return { found, passes, distances: found.map(({ distance }) => distance) };
}

/** Exact distances of the images of a linear classifier. */
function exactDistances({ batch, planes }: ReturnType<typeof linearCase>, norm: Norm): number[] {
  const size = batch.x.data.length / batch.ids.length;
  return Array.from(batch.ids, (row) => {
    const x = batch.x.data.subarray(row * size, (row + 1) * size);
    const ways = planes(batch.y.data[row]!).flatMap(({ w, c }) => {
      const gap = dot(w, x) + c;
      const way = shortestWay(x, w, gap, norm);
      // Where the boundary passes the box by, there is no way.
      return dot(w, way) + gap > -1e-9 ? [lengthOf(way, norm)] : [];
    });
    return Math.min(...ways);
  });
}

for (const norm of NORMS) {
  testOnEngines(
    `smallestPerturbations() by fab finds the exact distances of linear classifiers of two classes in ${norm}`,
    async (engine) => {
      const linearOf = linearCase(2, 12, 24);
      const exact = exactDistances(linearOf, norm);
      const { classifier, batch } = linearOf;
      assert(exact.filter(Number.isFinite).length > 20);
      for (const spec of [{}, { targets: 9 }]) {
        const { distances } = await run(classifier, batch, { kind: "fab", norm, steps: 30, ...spec }, { engine });
        distances.forEach((distance, i) => {
          if (exact[i] === Infinity) return assertEquals(distance, Infinity);
          assert(distance >= exact[i]! * (1 - 1e-5) && distance <= exact[i]! * 1.01, `${i}: ${distance}, ${exact[i]}`);
        });
      }
    },
    ["reference", "onnxruntime", "tensorflow"],
  );

  Deno.test(`smallestPerturbations() by fab comes close to the distances of linear classifiers in ${norm}`, async () => {
    for (const [classes, pixels] of [[4, 12], [10, 48]] as const) {
      const linearOf = linearCase(classes, pixels, 16);
      const exact = exactDistances(linearOf, norm);
      for (const targets of [undefined, 9]) {
        const spec: FabSpec = { kind: "fab", norm, steps: 20, ...targets && { targets } };
        const { distances } = await run(linearOf.classifier, linearOf.batch, spec);
        distances.forEach((distance, i) => {
          const name = `${classes} classes, ${targets} targets, image ${i}: ${distance}, ${exact[i]}`;
          assert(distance >= exact[i]! * (1 - 1e-5) && distance <= exact[i]! * 1.25, name);
        });
        const close = distances.filter((distance, i) => distance <= exact[i]! * 1.01).length;
        assert(close >= 13, `${close} of 16 within 1 %`);
      }
    }
  });
}

Deno.test("smallestPerturbations() by ddn comes close to the L2 distances of linear classifiers", async () => {
  for (const [classes, pixels] of [[2, 12], [5, 12], [10, 48]] as const) {
    const linearOf = linearCase(classes, pixels, 24);
    const exact = exactDistances(linearOf, "L2");
    const { distances } = await run(linearOf.classifier, linearOf.batch, { kind: "ddn", norm: "L2", steps: 150 });
    const reachable = distances.filter((_, i) => exact[i]! < Infinity);
    reachable.forEach((distance) => assert(distance < Infinity));
    distances.forEach((distance, i) => {
      assert(distance >= exact[i]! * (1 - 1e-5));
      // The last norms differ by the factor 1.05.
      if (exact[i]! > 0.02) {
        assertLessOrEqual(distance, exact[i]! * 1.25, `${classes} classes, image ${i}: ${exact[i]}`);
      }
    });
  }
});

for (
  const spec of [
    { kind: "fab", steps: 6 },
    { kind: "fab", norm: "L1", steps: 4, targets: 2, restarts: 2 },
    { kind: "ddn", norm: "L2", steps: 12 },
  ] as const satisfies (FabSpec | DdnSpec)[]
) {
  testOnEngines(
    `smallestPerturbations() finds the same for an image in any batch and order (${JSON.stringify(spec)})`,
    async (engine) => {
      const classifier = mlp();
      const batch = await predictedBatch(engine, classifier, 7);
      const whole = await run(classifier, batch, spec, { engine, batchSize: 7 });
      assert(whole.distances.filter((distance) => distance < Infinity).length > 3);
      const order = [5, 2, 0, 3, 1, 6, 4];
      const permuted = await run(classifier, rowsOf(batch, order), spec, { engine, batchSize: 7 });
      const small = await run(classifier, batch, spec, { engine, batchSize: 3 });
      const alone = await run(classifier, rowsOf(batch, [4]), spec, { engine, batchSize: 1 });
      // Bit for bit at one batch size; at another, native engines take sums in another order.
      const same = (a: number, b: number) =>
        engine.name === "reference" || a === b ? assertEquals(a, b) : assertAlmostEquals(a, b, 1e-4);
      whole.distances.forEach((distance, i) => {
        same(permuted.distances[order.indexOf(i)]!, distance);
        same(small.distances[i]!, distance);
      });
      same(alone.distances[0]!, whole.distances[4]!);
      assertEquals((await run(classifier, batch, spec, { engine, batchSize: 7 })).distances, whole.distances);
    },
    ["reference", "onnxruntime", "tensorflow"],
  );

  Deno.test(`smallestPerturbations() verifies and counts (${JSON.stringify(spec)})`, async () => {
    const counted = counting(reference);
    const classifier = mlp();
    const batch = await predictedBatch(reference, classifier, 9);
    const before = counted.live();
    const { found, passes } = await run(classifier, batch, spec, { engine: counted.engine, batchSize: 4 });
    assertEquals(counted.live(), before);
    assertEquals(found.map(({ id }) => id), Array.from(batch.ids));
    const x = float32(batch.x.shape, found.flatMap(({ xAdv }) => Array.from(xAdv.data)));
    assert(x.data.every((v) => v >= 0 && v <= 1));
    assertEquals(found.map(({ margin }) => margin), Array.from(await margins(reference, classifier, { ...batch, x })));
    found.forEach(({ distance, margin }, i) => {
      const way = Array.from({ length: 12 }, (_, k) => x.data[12 * i + k]! - batch.x.data[12 * i + k]!);
      assertEquals(distance < Infinity, margin < 0);
      if (margin < 0) assertAlmostEquals(distance, lengthOf(way, "norm" in spec ? spec.norm : "Linf"), 1e-6);
    });
    assertEquals(passes, found.reduce((all, image) => all + image.forwardPasses + image.backwardPasses, 0));
  });
}

Deno.test("smallestPerturbations() gives a distance of 0 and no step to an image that is wrong as it is", async () => {
  const { classifier, batch } = linearCase(3, 4);
  const wrong = { ...batch, y: int32([12], batch.y.data.map((y) => (y + 1) % 3)) };
  for (const spec of [{ kind: "fab", restarts: 2 }, { kind: "ddn", norm: "L2" }] as const) {
    const { found } = await run(classifier, wrong, spec);
    found.forEach(({ distance, margin, forwardPasses, backwardPasses }) => {
      assertEquals([distance, margin < 0, forwardPasses, backwardPasses], [0, true, 2, 0]);
    });
  }
});

Deno.test("smallestPerturbations() gives Infinity where no image is misclassified, and zero gradients are no harm", async () => {
  const constant = linear([[0, 0], [0, 0]], [1, 0]);
  const batch = batchOf([[0.3, 0.4], [0, 1]], [0, 0]);
  for (
    const spec of [
      ...NORMS.flatMap((norm) =>
        [{ kind: "fab", norm, steps: 3 }, { kind: "fab", norm, steps: 3, targets: 1 }] as const
      ),
      { kind: "ddn", norm: "L2", steps: 3 } as const,
    ]
  ) {
    const { found } = await run(constant, batch, spec);
    assertEquals(found.map(({ distance, margin }) => [distance, margin]), [[Infinity, 1], [Infinity, 1]]);
    assertEquals(found.flatMap(({ xAdv }) => Array.from(xAdv.data)), Array.from(batch.x.data));
  }
});

Deno.test("smallestPerturbations() of an image on the boundary is the nearest that is misclassified, no Infinity", async () => {
  // Margin 2 x - 1 is 0 at 0.5, exactly: correct by the rule that a success is a margin below 0.
  const classifier = linear([[1, -1]], [-0.5, 0.5]);
  const batch = batchOf([[0.5], [0.75]], [0, 0]);
  for (
    const spec of [
      { kind: "ddn", norm: "L2", steps: 100 },
      { kind: "fab", norm: "L2", steps: 20, restarts: 2 },
      { kind: "fab", steps: 20, restarts: 2 },
    ] as const
  ) {
    const { found: [on, beside] } = await run(classifier, batch, spec);
    assert(on!.margin < 0 && on!.distance > 0, `${on!.margin} at ${on!.distance}`);
    assertLessOrEqual(on!.distance, 0.02);
    assertAlmostEquals(beside!.distance, 0.25, 0.02);
  }
});

Deno.test("smallestPerturbations() finds no more with fewer restarts, and starts by the seed", async () => {
  const classifier = mlp();
  const batch = await predictedBatch(reference, classifier, 32);
  const spec: FabSpec = { kind: "fab", norm: "L2", steps: 10 };
  const { distances: one } = await run(classifier, batch, spec);
  const { distances: three } = await run(classifier, batch, { ...spec, restarts: 3 });
  const { distances: other } = await run(classifier, batch, { ...spec, restarts: 3 }, { seed: 1 });
  three.forEach((distance, i) => assertLessOrEqual(distance, one[i]!));
  assert(three.some((distance, i) => distance < one[i]! * 0.999), "restarts find something nearer somewhere");
  assert(three.some((distance, i) => distance !== other[i]));
});

Deno.test("smallestPerturbations() moves on an image that the verifying program sees on the other side", async () => {
  // To that program all margins are higher by 0.004.
  const shifted: Engine = {
    ...reference,
    compile: (fn, options) => {
      if (options?.name !== "margin") return reference.compile(fn, options);
      return reference.compile((inputs: never) => add(fn(inputs) as Tensor, 0.004), options) as never;
    },
  };
  // Margin 2 x - 1: the boundary is at 0.5, a hundredth of the way makes 0.006.
  const classifier = linear([[1, -1]], [-0.5, 0.5]);
  const spec: FabSpec = { kind: "fab", norm: "L2", steps: 20 };
  const { found: [exact] } = await run(classifier, batchOf([[0.8]], [0]), spec);
  const { found: [moved] } = await run(classifier, batchOf([[0.8]], [0]), spec, { engine: shifted });
  assert(exact!.margin > -0.004 && exact!.margin < 0);
  assertAlmostEquals(moved!.distance, exact!.distance * 1.01, 1e-6);
  assert(moved!.margin < 0);
  assertEquals(moved!.forwardPasses, exact!.forwardPasses + 1);
});

Deno.test("smallestPerturbations() refuses what it cannot use", async () => {
  const batch = batchOf([[0.3, 0.4]], [0]);
  const classifier = linear([[1, 0], [0, 1]], [0, 0]);
  await assertRejects(
    () => run(classifier, batch, { kind: "fab", steps: 0 }),
    UsageError,
    "Cannot use attack.steps as it is 0: write a positive integer",
  );
  // sqrt has no gradient at 0.
  const rough: Classifier = {
    classes: 2,
    inputShape: [1, 1, 2],
    logits: (_: Weights<Tensor>, x: Tensor) => {
      const flat = reshape(x, [-1, 2]);
      const root = sqrt(sum(mul(flat, 0), 1, true));
      return sub(flat, root);
    },
    weights: { parameters: {}, buffers: {} },
  };
  await assertRejects(
    () => run(rough, batchOf([[0.6, 0.4]], [0]), { kind: "fab", steps: 2 }),
    DataError,
    "Cannot attack image 0 as the gradient there is not a number: use a classifier with finite gradients",
  );
});
