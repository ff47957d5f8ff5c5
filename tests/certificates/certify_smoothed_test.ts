import { assert, assertEquals, assertRejects } from "@std/assert";
import { certifySmoothed, type CertifySmoothedOptions, type SmoothingRow } from "../../lib/certificates/mod.ts";
import { DataError, float32, rng, UsageError } from "../../lib/core/mod.ts";
import type { Engine } from "../../lib/engine/mod.ts";
import { withInputNoise } from "../../lib/models/mod.ts";
import { counting } from "../attacks/_classifiers.ts";
import { testOnEngines } from "../testing/engines.ts";
import { halfSpace } from "./_linear.ts";

/** Class 1 where 3 x_0 - 4 x_1 + 0.5 > 0; ||w|| = 5. */
const CLASSIFIER = halfSpace([3, -4], 0.5);
const DISTANCES = [0.3, 0.1, -0.2, 0.004];
/** Points at these distances from the border: x_0 = (5 d - 0.5) / 3, x_1 = 0. Pixels need not be in [0,1] here. */
const IMAGES = {
  x: float32([4, 1, 1, 2], DISTANCES.flatMap((distance) => [(5 * distance - 0.5) / 3, 0])),
  labels: [1, 0, 0, 1],
  ids: [7, 8, 9, 10],
};
const OPTIONS: CertifySmoothedOptions = {
  method: "half space",
  classifier: CLASSIFIER,
  images: IMAGES,
  seed: 1,
  sigma: 0.25,
  draws: 4000,
  selectionDraws: 50,
  alpha: 0.001,
};

async function rowsOf(engine: Engine, options: CertifySmoothedOptions): Promise<SmoothingRow[]> {
  const rows: SmoothingRow[] = [];
  for await (const event of certifySmoothed(engine, options)) if (event.kind === "row") rows.push(event.row);
  return rows;
}

testOnEngines("certifySmoothed() stays below the exact radius of a half space and comes near it", async (engine) => {
  const rows = await rowsOf(engine, OPTIONS);
  assertEquals(rows.map(({ image }) => image), [7, 8, 9, 10]);
  assertEquals(rows.map(({ prediction }) => prediction), [1, 1, 0, ""]);
  assertEquals(rows.map(({ correct }) => correct), [1, 0, 1, 0]);
  assertEquals(rows[3]!.radius, 0);
  for (const [i, row] of rows.slice(0, 3).entries()) {
    // The smoothed half space is the half space: its radius is the distance (Cohen et al. 2019, appendix B).
    const distance = Math.abs(DISTANCES[i]!);
    assert(row.radius <= distance, `certified ${row.radius} at a distance of ${distance}`);
    // 3.09 standard errors of p below it, through the quantile's slope; twice that is not reached.
    const p = row.count / row.n;
    const density = Math.exp(-((distance / 0.25) ** 2) / 2) / Math.sqrt(2 * Math.PI);
    assert(row.radius > distance - 0.25 * 6.2 * Math.sqrt(p * (1 - p) / row.n) / density, `only ${row.radius}`);
  }
});

testOnEngines(
  "certifySmoothed() gives the same rows for every batch size, and alone what is not known",
  async (engine) => {
    const options = { ...OPTIONS, draws: 100, selectionDraws: 10 };
    const rows = await rowsOf(engine, options);
    assertEquals(await rowsOf(engine, { ...options, batchSize: 7 }), rows);
    assertEquals(await rowsOf(engine, { ...options, known: new Set([7, 9]) }), [rows[1]!, rows[3]!]);
    assert(rows[0]!.count !== (await rowsOf(engine, { ...options, seed: 2 }))[0]!.count, "the seed must count");
  },
  ["reference"],
);

testOnEngines("certifySmoothed() chooses and estimates by draws of their own, each by its number", async (engine) => {
  const [, , , row] = await rowsOf(engine, { ...OPTIONS, draws: 300, selectionDraws: 1 });
  const side = (purpose: string, k: number): number => {
    const [n0, n1] = rng(1, "smoothing", 10, purpose).child(k).normal(2);
    const [x0, x1] = IMAGES.x.data.subarray(6, 8);
    return 3 * (x0! + 0.25 * n0!) - 4 * (x1! + 0.25 * n1!) + 0.5 > 0 ? 1 : 0;
  };
  const chosen = side("select", 0);
  const counts = Array.from({ length: 300 }, (_, k) => side("estimate", k)).filter((k) => k === chosen).length;
  assertEquals([row!.image, row!.count], [10, counts]);
}, ["reference"]);

testOnEngines("certifySmoothed() is wrong about no more than a share alpha of images", async (engine) => {
  // 300 images at the distance 0.05; a bound of confidence 0.9 fails for 30 of them, more than 47 one time in 1,000.
  const n = 300;
  const images = {
    x: float32([n, 1, 1, 2], Array.from({ length: n }, () => [(5 * 0.05 - 0.5) / 3, 0]).flat()),
    labels: new Int32Array(n).fill(1),
    ids: Array.from({ length: n }, (_, i) => i),
  };
  const rows = await rowsOf(engine, { ...OPTIONS, images, draws: 200, alpha: 0.1 });
  const wrong = rows.filter(({ radius, prediction }) => prediction === 1 && radius > 0.05).length;
  assert(wrong > 0 && wrong <= 47, `${wrong} of ${n} radii are too large`);
}, ["reference"]);

testOnEngines("certifySmoothed() tells how far it is in draws", async (engine) => {
  const options = { ...OPTIONS, draws: 100, selectionDraws: 10, batchSize: 60, known: new Set([8, 9, 10]) };
  const done: number[] = [];
  for await (const event of certifySmoothed(engine, options)) {
    if (event.kind !== "progress") continue;
    done.push(event.done);
    assertEquals([event.total, event.detail], [110, "image 7"]);
  }
  assertEquals(done, [10, 70, 110]);
}, ["reference"]);

testOnEngines("certifySmoothed() refuses what it cannot smooth", async (engine) => {
  const noisy = withInputNoise(CLASSIFIER, { sigma: 0.1 });
  assertEquals(
    (await assertRejects(() => rowsOf(engine, { ...OPTIONS, classifier: noisy }), UsageError)).message,
    "Cannot smooth a classifier that is random itself: give the classifier without its noise",
  );
  assertEquals(
    (await assertRejects(() => rowsOf(engine, { ...OPTIONS, draws: 0 }), UsageError)).message,
    "Cannot smooth with draws = 0: write a positive integer",
  );
  const images = async (changed: Partial<typeof IMAGES>): Promise<string> =>
    (await assertRejects(() => rowsOf(engine, { ...OPTIONS, images: { ...IMAGES, ...changed } }), DataError)).message;
  assertEquals(
    await images({ x: float32([4, 1, 2, 1]) }),
    "Cannot certify images of shape [4,1,2,1] with 4 classes: the classifier takes [4,1,1,2]",
  );
  assertEquals(await images({ labels: [1, 0, 2, 1] }), "Cannot use the class 2: the classifier has 2");
  assertEquals(await images({ ids: [7, 8] }), "Cannot certify 4 images with 2 ids: give one for each");
  const broken = halfSpace([NaN, 1], 0);
  assertEquals(
    (await assertRejects(() => rowsOf(engine, { ...OPTIONS, classifier: broken }), DataError)).message,
    "Cannot smooth a classifier whose logit is NaN: use one with finite weights",
  );
}, ["reference"]);

testOnEngines("certifySmoothed() leaves nothing on the engine, also where it is left", async (engine) => {
  const options = { ...OPTIONS, draws: 100, selectionDraws: 10, batchSize: 20 };
  const counted = counting(engine);
  await rowsOf(counted.engine, options);
  for await (const event of certifySmoothed(counted.engine, options)) {
    if (event.kind === "progress" && event.done > 40) break;
  }
  assertEquals(counted.live(), 0);
}, ["reference"]);
