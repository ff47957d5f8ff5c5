import { assertEquals, assertThrows } from "@std/assert";
import { float32 } from "../../lib/core/mod.ts";
import { checkPixels, gather, subset } from "../../lib/data/mod.ts";
import { tinyDataset } from "./_tiny_dataset.ts";

Deno.test("subset() copies the images with their ids and labels", () => {
  const all = tinyDataset(4);
  const some = subset(all, [3, 1, 3], "some");
  assertEquals(some.ids, Int32Array.of(103, 101, 103));
  assertEquals(some.labels, Int32Array.of(0, 1, 0));
  assertEquals(some.images.subarray(12, 24), all.images.subarray(12, 24));
  assertEquals([some.name, some.classes, some.imageShape], ["some", all.classes, all.imageShape]);
  some.images[0] = 99;
  assertEquals(all.images[36], 36);
  assertEquals(subset(all, []).ids.length, 0);
  for (const index of [4, -1, 0.5]) {
    assertEquals(
      assertThrows(() => subset(all, [index]), RangeError).message,
      `Cannot take image ${index} of "tiny train" as it has 4 images, from 0`,
    );
  }
});

Deno.test("gather() gives byte / 255, labels, ids and the mask", () => {
  const batch = gather(tinyDataset(3), [2, 0, 2], 2);
  assertEquals(batch.ids, Int32Array.of(102, 100, 102));
  assertEquals(batch.x.shape, [3, 2, 2, 3]);
  assertEquals(batch.x.data[0], Math.fround(24 / 255));
  assertEquals(batch.x.data[12 + 11], Math.fround(11 / 255));
  assertEquals(batch.y, { dtype: "int32", shape: [3], data: Int32Array.of(2, 0, 2) });
  assertEquals(batch.mask, { dtype: "float32", shape: [3], data: Float32Array.of(1, 1, 0) });
  assertEquals(batch.count, 2);
  const white = gather({ ...tinyDataset(1), images: new Uint8Array(12).fill(255) }, [0]);
  assertEquals(white.x.data, new Float32Array(12).fill(1));
});

Deno.test("checkPixels() names the first pixel that is none", () => {
  const image = new Float32Array(24).fill(0.5);
  checkPixels(float32([2, 2, 2, 3], image));
  checkPixels(float32([2], [0, 1]));
  image[17] = NaN;
  assertEquals(
    assertThrows(() => checkPixels(float32([2, 2, 2, 3], image)), RangeError).message,
    "Cannot use images as pixels must be in [0, 1]: the value at [1,0,1,2] is NaN; divide bytes by 255",
  );
  for (const bad of [-0.001, 1.001, 255, Infinity]) {
    assertThrows(() => checkPixels(float32([1], [bad]), "x"), RangeError, "Cannot use x as pixels must be in [0, 1]");
  }
});
