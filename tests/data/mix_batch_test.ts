import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { rng, sampleBeta, UsageError } from "../../lib/core/mod.ts";
import { type Batch, gather, mixBatch } from "../../lib/data/mod.ts";

const [COUNT, HEIGHT, WIDTH, CHANNELS] = [5, 6, 8, 2];
/** Image i has the class i and the byte 50 i + 1 everywhere. */
const BATCH: Batch = gather({
  name: "flat",
  classes: ["a", "b", "c", "d", "e"],
  imageShape: [HEIGHT, WIDTH, CHANNELS],
  ids: Int32Array.from({ length: COUNT }, (_, i) => 10 + i),
  images: Uint8Array.from({ length: COUNT * HEIGHT * WIDTH * CHANNELS }, (_, at) => 50 * Math.floor(at / 96) + 1),
  labels: Int32Array.from({ length: COUNT }, (_, i) => i),
}, [0, 1, 2, 3, 4]);
const flat = (i: number) => Math.fround((50 * i + 1) / 255);

Deno.test("mixBatch() puts one image over another as mixup does, and their labels alike", () => {
  const stream = rng(1, "mix", 7);
  const { x, y, ids } = mixBatch(BATCH, { kind: "mixup", alpha: 1 }, COUNT, stream);
  assertEquals([x.shape, y.shape, ids], [BATCH.x.shape, [COUNT, COUNT], BATCH.ids]);
  const lambda = sampleBeta(stream.child("lambda"), 1, 1);
  const partners = stream.child("partner").permutation(COUNT);
  for (let i = 0; i < COUNT; i++) {
    const partner = partners[i]!;
    for (let k = 0; k < 96; k++) {
      assertAlmostEquals(x.data[96 * i + k]!, lambda * flat(i) + (1 - lambda) * flat(partner), 1e-6);
    }
    for (let k = 0; k < COUNT; k++) {
      const expected = (k === i ? lambda : 0) + (k === partner ? 1 - lambda : 0);
      assertAlmostEquals(y.data[COUNT * i + k]!, expected, 1e-6);
    }
  }
});

Deno.test("mixBatch() puts a rectangle of another image into one as CutMix does, labels by its area", () => {
  let cut = 0;
  for (let seed = 0; seed < 60; seed++) {
    const stream = rng(seed);
    const { x, y } = mixBatch(BATCH, { kind: "cutmix", alpha: 1 }, COUNT, stream);
    const partners = stream.child("partner").permutation(COUNT);
    const i = partners.findIndex((partner, image) => partner !== image);
    if (i < 0) continue;
    const inside = Array.from({ length: HEIGHT * WIDTH }, (_, at) => {
      const [first, second] = x.data.subarray((HEIGHT * WIDTH * i + at) * CHANNELS);
      assertEquals(first, second);
      assert(first === flat(i) || first === flat(partners[i]!));
      return first === flat(partners[i]!);
    });
    const at = inside.flatMap((is, pixel) => is ? [pixel] : []);
    const [rows, columns] = [at.map((pixel) => Math.floor(pixel / WIDTH)), at.map((pixel) => pixel % WIDTH)];
    const span = (values: number[]) => values.length === 0 ? 0 : Math.max(...values) - Math.min(...values) + 1;
    assertEquals(span(rows) * span(columns), at.length); // a full rectangle
    // Its sides are those of sqrt(1 - lambda), but for the border and rounding to even numbers.
    const lambda = sampleBeta(stream.child("lambda"), 1, 1);
    assert(span(rows) <= HEIGHT * Math.sqrt(1 - lambda) && span(columns) <= WIDTH * Math.sqrt(1 - lambda));
    assertAlmostEquals(y.data[COUNT * i + i]!, 1 - at.length / (HEIGHT * WIDTH), 1e-6);
    assertAlmostEquals(y.data[COUNT * i + partners[i]!]!, at.length / (HEIGHT * WIDTH), 1e-6);
    cut += Number(at.length > 0 && at.length < HEIGHT * WIDTH);
  }
  assert(cut > 30, `${cut}`);
});

Deno.test("mixBatch() leaves the batch as it is, and depends on its stream alone", () => {
  const before = BATCH.x.data.slice();
  const mix = (seed: number) => mixBatch(BATCH, { kind: "cutmix", alpha: 1 }, COUNT, rng(seed));
  assertEquals(mix(1), mix(1));
  assert(mix(1).x.data.some((value, i) => value !== mix(2).x.data[i]));
  assertEquals(BATCH.x.data, before);
});

Deno.test("mixBatch() refuses an alpha that is not positive", () => {
  assertThrows(
    () => mixBatch(BATCH, { kind: "mixup", alpha: 0 }, COUNT, rng(1)),
    UsageError,
    'Cannot mix images by "mixup" with alpha 0: write a positive number such as 1',
  );
});
