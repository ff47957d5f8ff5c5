import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { DataError, float32, int32, rng } from "../../lib/core/mod.ts";
import { createEngine } from "../../lib/engine/mod.ts";
import { type AttackBatch, margins, runAttack } from "../../lib/attacks/mod.ts";
import { counting, linear, mlp, randomBatch } from "./_classifiers.ts";

const engine = await createEngine("reference");
const CLASSIFIER = linear([[1, -1, 0], [0, 2, 1]], [0, 0, 0.5]);
const GOOD: AttackBatch = {
  x: float32([2, 1, 1, 2], [1, 0, 0.5, 0.5]),
  y: int32([2], [0, 2]),
  ids: Int32Array.of(40, 41),
};

Deno.test("margins() is z_y - max z_k of each image", async () => {
  // z = (1, -1, 0.5) and (0.5, 0.5, 1).
  const result = await margins(engine, CLASSIFIER, GOOD);
  assertEquals(Array.from(result), [0.5, 0.5]);
});

Deno.test("margins() keeps nothing on the engine", async () => {
  const counted = counting(engine);
  const classifier = mlp();
  await margins(counted.engine, classifier, randomBatch(classifier, 3));
  assertEquals(counted.live(), 0);
});

Deno.test("margins() forgives pixels that rounding put outside of the box, and clips them", async () => {
  const x = float32([2, 1, 1, 2], [1.0000005, -3e-8, 0.5, 0.5]);
  const [first] = await margins(engine, CLASSIFIER, { ...GOOD, x });
  assertAlmostEquals(first!, 0.5, 0);
  assertEquals(x.data[0], Math.fround(1.0000005), "the caller's array is left alone");
});

/** Both doors check alike. */
const DOORS = {
  margins: (batch: AttackBatch, classifier = CLASSIFIER) => margins(engine, classifier, batch),
  runAttack: (batch: AttackBatch, classifier = CLASSIFIER) =>
    runAttack(engine, classifier, batch, { kind: "fgsm" }, 0.1, rng(0)),
};

for (const [door, call] of Object.entries(DOORS)) {
  Deno.test(`${door}() refuses pixels outside of [0,1] and names the image`, async () => {
    for (const [value, shown] of [[255, "255"], [-0.5, "-0.5"], [NaN, "NaN"], [Infinity, "Infinity"]] as const) {
      await assertRejects(
        () => call({ ...GOOD, x: float32([2, 1, 1, 2], [0, 1, 0, value]) }),
        DataError,
        `Cannot classify image 41 as its pixel 1 is ${shown} where pixels are in [0,1]: divide 8-bit pixels by 255, ` +
          "and leave normalisation to the model",
      );
    }
  });

  Deno.test(`${door}() refuses labels that are no class of the classifier`, async () => {
    for (const label of [3, -1]) {
      await assertRejects(
        () => call({ ...GOOD, y: int32([2], [0, label]) }),
        DataError,
        `Cannot classify image 41 as its label is ${label} where the classifier has classes 0 to 2: ` +
          "use the data set that it was trained on",
      );
    }
  });

  Deno.test(`${door}() refuses images, labels and ids that do not fit`, async () => {
    await assertRejects(
      () => call({ ...GOOD, x: float32([2, 1, 1, 3]) }),
      DataError,
      "Cannot classify images of shape [1,1,3] as the classifier takes [1,1,2]: use the data set that it was trained on",
    );
    await assertRejects(
      () => call({ ...GOOD, x: float32([2, 2]) }),
      TypeError,
      "Cannot classify an array of type float32[2,2]: it needs float32[batch, height, width, channels]",
    );
    await assertRejects(
      () => call({ x: float32([0, 1, 1, 2]), y: int32([0]), ids: new Int32Array(0) }),
      TypeError,
      "Cannot classify an array of type float32[0,1,1,2]: it needs float32[batch, height, width, channels]",
    );
    await assertRejects(
      () => call({ ...GOOD, y: int32([3]) }),
      TypeError,
      "Cannot classify 2 images with labels of type int32[3] and 2 ids: it needs int32[2] and 2 ids",
    );
    await assertRejects(
      () => call({ ...GOOD, ids: Int32Array.of(1) }),
      TypeError,
      "Cannot classify 2 images with labels of type int32[2] and 1 ids: it needs int32[2] and 2 ids",
    );
  });

  Deno.test(`${door}() refuses a classifier whose logits are not finite`, async () => {
    await assertRejects(
      () => call({ ...GOOD, y: int32([2]) }, linear([[NaN, 0], [0, 0]], [0, 0])),
      DataError,
      "Cannot classify image 40 as its margin is NaN: use a classifier with finite weights",
    );
  });
}
