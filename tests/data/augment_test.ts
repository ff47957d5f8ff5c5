import { assert, assertEquals, assertThrows } from "@std/assert";
import { rng } from "../../lib/core/mod.ts";
import { type Batch, cropAndFlip, gather } from "../../lib/data/mod.ts";

/** n images of 3x4 pixels with two channels, no two values alike and none 0. */
function images(n: number): Batch {
  const batch = gather({
    name: "grid",
    classes: ["a"],
    imageShape: [3, 4, 2],
    ids: Int32Array.from({ length: n }, (_, i) => i),
    images: new Uint8Array(n * 24),
    labels: new Int32Array(n),
  }, Array.from({ length: n }, (_, i) => i));
  batch.x.data.forEach((_, i, data) => data[i] = (i % 24 + 1) / 32);
  return batch;
}

/** The image by the definition: pad with zeros, cut out at (down, right), mirror. */
function expected(image: Float32Array, down: number, right: number, mirrored: boolean): number[] {
  const result: number[] = [];
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 4; j++) {
      const row = i - down;
      const column = (mirrored ? 3 - j : j) - right;
      for (let c = 0; c < 2; c++) {
        const inside = row >= 0 && row < 3 && column >= 0 && column < 4;
        result.push(inside ? image[(row * 4 + column) * 2 + c]! : 0);
      }
    }
  }
  return result;
}

Deno.test("cropAndFlip() gives every shift and mirror image, and nothing else", () => {
  const pad = 2;
  const batch = images(1000);
  const before = batch.x.data.slice();
  const result = cropAndFlip(batch, { pad, flip: true }, rng(1));
  const possible = new Map<string, number>();
  for (let down = -pad; down <= pad; down++) {
    for (let right = -pad; right <= pad; right++) {
      for (const mirrored of [false, true]) {
        possible.set(expected(before.subarray(0, 24), down, right, mirrored).join(), 0);
      }
    }
  }
  assertEquals(possible.size, 50);
  for (let i = 0; i < 1000; i++) {
    const key = result.x.data.subarray(i * 24, (i + 1) * 24).join();
    const count = possible.get(key);
    assert(count !== undefined, `image ${i} is no shift of the original`);
    possible.set(key, count + 1);
  }
  // 1000 images over 50 outcomes: 20 each, standard deviation 4.4.
  assert([...possible.values()].every((count) => count > 0 && count < 45));
  assertEquals(batch.x.data, before);
  assertEquals([result.ids, result.y, result.mask, result.count], [batch.ids, batch.y, batch.mask, batch.count]);
});

Deno.test("cropAndFlip() depends on the id, not on the place in the batch; and on the stream", () => {
  const batch = images(8);
  const spec = { pad: 1, flip: true };
  const whole = cropAndFlip(batch, spec, rng(1, "augment", 0));
  const order = [5, 2, 7];
  const part: Batch = {
    ...batch,
    ids: Int32Array.from(order),
    x: { ...batch.x, shape: [3, 3, 4, 2], data: batch.x.data.slice(0, 72) },
  };
  const some = cropAndFlip(part, spec, rng(1, "augment", 0));
  order.forEach((id, i) => {
    assertEquals(some.x.data.slice(i * 24, i * 24 + 24), whole.x.data.slice(id * 24, id * 24 + 24));
  });
  assert(cropAndFlip(batch, spec, rng(1, "augment", 1)).x.data.join() !== whole.x.data.join());
});

Deno.test("cropAndFlip() without padding and flip changes nothing", () => {
  const batch = images(4);
  assertEquals(cropAndFlip(batch, { pad: 0, flip: false }, rng(1)).x, batch.x);
  assertThrows(
    () => cropAndFlip(batch, { pad: 0.5, flip: false }, rng(1)),
    RangeError,
    "Cannot pad images by 0.5 pixels: it needs an integer of 0 or more",
  );
  // A pad larger than the image may leave nothing of it.
  assert(cropAndFlip(images(100), { pad: 9, flip: true }, rng(1)).x.data.every(Number.isFinite));
});
