import { assert, assertEquals, assertRejects } from "@std/assert";
import { DataError, type EvidenceRow, float32, int32 } from "../../lib/core/mod.ts";
import { createEngine } from "../../lib/engine/mod.ts";
import { type AdversarialImages, adversarialImages, evaluate, verifyImages } from "../../lib/evaluation/mod.ts";
import type { AttackSpec } from "../../lib/attacks/mod.ts";
import { imagesFor, network } from "./_network.ts";

const engine = await createEngine("reference");
const CLASSIFIER = network();
const OWN = { transfer: false };

async function imagesOf(attack: AttackSpec, eps: string): Promise<AdversarialImages> {
  const dataset = await imagesFor(engine, CLASSIFIER, 23);
  const rows: EvidenceRow[] = [];
  const common = { method: "kd", classifier: CLASSIFIER, dataset, seed: 5, batchSize: 8 };
  for await (const event of evaluate(engine, { ...common, attacks: [{ attack }], eps: [eps] })) {
    if (event.kind === "evidence") rows.push(...event.rows.filter((row) => row.attack !== "clean"));
  }
  const making = adversarialImages(engine, { ...common, attack, rows });
  let step = await making.next();
  while (!step.done) step = await making.next();
  return step.value;
}

const IMAGES = await imagesOf({ kind: "pgd", steps: 4 }, "0.1");

/** The images with one pixel of one image changed. */
function changed(row: number, change: (pixel: number) => number): AdversarialImages {
  const xAdv = float32(IMAGES.xAdv.shape, IMAGES.xAdv.data.slice());
  xAdv.data[4 * row + 1] = change(xAdv.data[4 * row + 1]!);
  return { ...IMAGES, xAdv };
}

Deno.test("verifyImages() finds what the evidence claims, in both norms and batches of any size", async () => {
  const row = await verifyImages(engine, CLASSIFIER, IMAGES, OWN);
  const claimed = IMAGES.margin.filter((margin) => margin >= 0).length;
  assertEquals(row, {
    method: "kd",
    attack: "pgd-4",
    eps: "0.1",
    transfer: false,
    n: 23,
    claimed,
    correct: claimed,
    rounded: row.rounded,
    originals: null,
    claims: [],
  });
  assert(claimed > 2 && claimed < 17 && Math.abs(row.rounded - claimed) <= 3);
  for (const batchSize of [1, 5, 23]) {
    assertEquals(await verifyImages(engine, CLASSIFIER, IMAGES, { ...OWN, batchSize }), row);
  }
  const l2 = await verifyImages(engine, CLASSIFIER, await imagesOf({ kind: "pgd", steps: 4, norm: "L2" }, "0.2"), OWN);
  assertEquals([l2.claims, l2.correct], [[], l2.claimed]);
});

Deno.test("verifyImages() names every image that is outside of the ball or the box, and every false success", async () => {
  const x = IMAGES.x.data[1]!;
  const far = x > 0.5 ? x - 0.2 : x + 0.2;
  const { claims: [ball, ...more] } = await verifyImages(engine, CLASSIFIER, changed(0, () => far), OWN);
  assertEquals(
    ball,
    `image ${IMAGES.ids[0]} lies ${
      Math.abs(Math.fround(far) - x)
    } from its original in Linf, outside of the ball of 0.1`,
  );
  assert(more.length <= 1);
  for (const pixel of [-0.5, 1.5, NaN]) {
    const { claims } = await verifyImages(engine, CLASSIFIER, changed(3, () => pixel), OWN);
    assertEquals(claims[0], `image ${IMAGES.ids[3]} has a pixel of ${pixel}, outside of [0, 1]`);
    assert(claims[1]!.startsWith(`image ${IMAGES.ids[3]} lies `));
  }
  const standing = IMAGES.margin.findIndex((margin) => margin >= 0);
  const margin = IMAGES.margin.with(standing, -1);
  const { claims, claimed, correct } = await verifyImages(engine, CLASSIFIER, { ...IMAGES, margin }, OWN);
  assertEquals(claims.length, 1);
  assert(claims[0]!.startsWith(`image ${IMAGES.ids[standing]} does not fool the network (margin 0.`), claims[0]);
  assertEquals(claimed, correct - 1);
});

Deno.test("verifyImages() claims no success of another network, and refuses one that the images do not fit", async () => {
  const other = network(7);
  const row = await verifyImages(engine, other, IMAGES, { transfer: true });
  assertEquals([row.transfer, row.claims], [true, []]);
  const own = await verifyImages(engine, other, IMAGES, OWN);
  assert(own.claims.length > 0, "most successes do not carry over to a random network");
  await assertRejects(
    () => verifyImages(engine, { ...other, inputShape: [4, 1, 1] }, IMAGES, OWN),
    DataError,
    "Cannot classify images of shape [2,2,1] as the classifier takes [4,1,1]",
  );
});

Deno.test("verifyImages() compares originals and labels with their data set, image by image", async () => {
  const originals = await imagesFor(engine, CLASSIFIER, 23);
  const verify = (images: AdversarialImages) => verifyImages(engine, CLASSIFIER, images, { ...OWN, originals });
  const same = await verify(IMAGES);
  assertEquals([same.originals, same.claims], [23, []]);
  assertEquals({ ...same, originals: null }, await verifyImages(engine, CLASSIFIER, IMAGES, OWN));

  const x = float32(IMAGES.x.shape, IMAGES.x.data.slice());
  const step = x.data[4 * 2 + 1]! > 0.5 ? -1 : 1;
  x.data[4 * 2 + 1] = Math.fround(x.data[4 * 2 + 1]! + step / 255);
  const { claims, originals: found } = await verify({ ...IMAGES, x });
  assertEquals(claims.filter((claim) => !claim.includes("outside of the ball")), [
    `the original of image ${IMAGES.ids[2]} is not that of "random test"`,
  ]);
  assertEquals(found, 22);

  const y = int32([23], IMAGES.y.data.map((label, i) => i === 5 ? (label + 1) % 3 : label));
  const { claims: labelled } = await verify({ ...IMAGES, y, margin: IMAGES.margin.map(() => 1) });
  assertEquals(labelled, [
    `image ${IMAGES.ids[5]} has label ${y.data[5]} where "random test" has ${originals.labels[5]}`,
  ]);
  const ids = IMAGES.ids.with(0, 3);
  assertEquals((await verify({ ...IMAGES, ids })).claims, ['image 3 is none of "random test"']);
});
