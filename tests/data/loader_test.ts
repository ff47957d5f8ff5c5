import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { rng, UsageError } from "../../lib/core/mod.ts";
import { batchesPerEpoch, evalBatches, trainBatches } from "../../lib/data/mod.ts";
import { tinyDataset } from "./_tiny_dataset.ts";

Deno.test("trainBatches() gives full batches of distinct images, in another order every epoch", () => {
  const dataset = tinyDataset(10);
  const ids = (epoch: number) =>
    [...trainBatches(dataset, { batchSize: 3, rng: rng(1), epoch })].map((batch) => Array.from(batch.ids));
  const first = ids(0);
  assertEquals(first.map((batch) => batch.length), [3, 3, 3]);
  assertEquals(batchesPerEpoch(10, 3), 3);
  assertEquals(new Set(first.flat()).size, 9);
  assertEquals(ids(0), first);
  assertNotEquals(ids(1), first);
  const [batch] = trainBatches(dataset, { batchSize: 3, rng: rng(1), epoch: 0 });
  assertEquals(batch!.y.data, batch!.ids.map((id) => (id - 100) % 3));
  assertEquals(batch!.x.data[0], Math.fround((batch!.ids[0]! - 100) * 12 / 255));
  assertEquals([batch!.count, batch!.mask.data], [3, Float32Array.of(1, 1, 1)]);
});

Deno.test("trainBatches() begins at any batch with what an uninterrupted epoch has there", () => {
  const options = { batchSize: 2, rng: rng(4), epoch: 3, augment: { pad: 1, flip: true } };
  const all = [...trainBatches(tinyDataset(9), options)];
  for (let from = 0; from <= 4; from++) {
    assertEquals([...trainBatches(tinyDataset(9), { ...options, from })], all.slice(from));
  }
  assertNotEquals(
    all[0]!.x.data,
    [...trainBatches(tinyDataset(9), { batchSize: 2, rng: rng(4), epoch: 3 })][0]!.x.data,
  );
});

Deno.test("trainBatches() varies an image alike in whatever batch it is", () => {
  const augment = { pad: 1, flip: true };
  const images = (batchSize: number) => {
    const result = new Map<number, string>();
    for (const batch of trainBatches(tinyDataset(12), { batchSize, rng: rng(4), epoch: 0, augment })) {
      batch.ids.forEach((id, i) => result.set(id, batch.x.data.subarray(i * 12, i * 12 + 12).join()));
    }
    return [...result].sort(([a], [b]) => a - b);
  };
  assertEquals(images(2), images(6));
});

Deno.test("trainBatches() refuses batches larger than the data set at once", () => {
  assertEquals(
    assertThrows(() => trainBatches(tinyDataset(3), { batchSize: 4, rng: rng(1), epoch: 0 }), UsageError).message,
    'Cannot make batches of 4 from the 3 images of "tiny train": take smaller batches or more images',
  );
  for (const batchSize of [0, -1, 1.5]) {
    const message = `Cannot make batches of ${batchSize} images: write an integer of 1 or more`;
    assertEquals(
      assertThrows(() => trainBatches(tinyDataset(3), { batchSize, rng: rng(1), epoch: 0 }), UsageError).message,
      message,
    );
    assertEquals(assertThrows(() => evalBatches(tinyDataset(3), batchSize), UsageError).message, message);
  }
});

Deno.test("evalBatches() gives all images in order and fills the last batch up with its first image", () => {
  const batches = [...evalBatches(tinyDataset(5), 3)];
  assertEquals(batches.map((batch) => Array.from(batch.ids)), [[100, 101, 102], [103, 104, 103]]);
  assertEquals(batches.map((batch) => batch.count), [3, 2]);
  assertEquals(Array.from(batches[1]!.mask.data), [1, 1, 0]);
  assertEquals(batches[1]!.x.shape, [3, 2, 2, 3]);
  assertEquals(batches[1]!.x.data.slice(24), batches[1]!.x.data.slice(0, 12));
  assertEquals([...evalBatches(tinyDataset(0), 3)], []);
  assertEquals([...evalBatches(tinyDataset(2), 3)].map((batch) => batch.count), [2]);
});
