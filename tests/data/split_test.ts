import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { subset, validationSplit } from "../../lib/data/mod.ts";
import { tinyDataset } from "./_tiny_dataset.ts";

const sorted = (ids: Int32Array) => Array.from(ids).sort((a, b) => a - b);

Deno.test("validationSplit() cuts by id: disjoint, complete, the same whatever the order of the images", () => {
  const all = tinyDataset(50);
  const { train, validation } = validationSplit(all, 10, 1);
  assertEquals([train.ids.length, validation.ids.length], [40, 10]);
  assertEquals(sorted(Int32Array.of(...train.ids, ...validation.ids)), sorted(all.ids));
  assertEquals([train.name, validation.name], ["tiny train", "tiny validation"]);
  const reversed = subset(all, Array.from(all.ids.keys()).reverse());
  assertEquals(sorted(validationSplit(reversed, 10, 1).validation.ids), sorted(validation.ids));
  assertNotEquals(sorted(validationSplit(all, 10, 2).validation.ids), sorted(validation.ids));
  assertEquals(validation.labels, validation.ids.map((id) => (id - 100) % 3));
});

Deno.test("validationSplit() takes a fraction, nothing, and grows by adding images", () => {
  const all = tinyDataset(50);
  assertEquals(validationSplit(all, 0.1, 1).validation.ids.length, 5);
  assertEquals(validationSplit(all, 0, 1).validation.ids.length, 0);
  const ten = sorted(validationSplit(all, 10, 1).validation.ids);
  assert(sorted(validationSplit(all, 5, 1).validation.ids).every((id) => ten.includes(id)));
});

Deno.test("validationSplit() has no preference for small or large ids", () => {
  const all = { ...tinyDataset(0), imageShape: [1, 1, 1] as const };
  const ids = Int32Array.from({ length: 20_000 }, (_, i) => i);
  const many = { ...all, ids, labels: new Int32Array(20_000), images: new Uint8Array(20_000) };
  const chosen = validationSplit(many, 5000, 3).validation.ids;
  // The mean of 5000 of 0..19999 without replacement has a standard deviation of 71.
  assertAlmostEquals(chosen.reduce((sum, id) => sum + id, 0) / 5000, 9999.5, 5 * 71);
});

Deno.test("validationSplit() refuses amounts that make no sense", () => {
  const message = (amount: number) =>
    assertThrows(() => validationSplit(tinyDataset(5), amount, 1), UsageError).message;
  for (const amount of [-1, 1.5, NaN]) {
    assertEquals(
      message(amount),
      `Cannot use ${amount} as the size of a validation set: write a number of images or a fraction below 1`,
    );
  }
  assertEquals(
    message(5),
    'Cannot take 5 validation images from the 5 of "tiny train" as none would be left to train on: take fewer',
  );
});
