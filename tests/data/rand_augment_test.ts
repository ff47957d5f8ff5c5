import { assert, assertEquals, assertThrows } from "@std/assert";
import { rng, UsageError } from "../../lib/core/mod.ts";
import {
  type Batch,
  gather,
  IMAGE_OPERATIONS,
  imageOperation,
  type ImageShape,
  randAugment,
  type RandAugmentSpec,
} from "../../lib/data/mod.ts";

const SHAPE: ImageShape = [6, 7, 3];
const SIZE = 6 * 7 * 3;
const COUNT = 200;
const IMAGE = Uint8Array.from({ length: SIZE }, (_, i) => (i * i * 31 + i * 17) % 211);
/** The same image under different ids. */
const BATCH: Batch = gather({
  name: "same",
  classes: ["a"],
  imageShape: SHAPE,
  ids: Int32Array.from({ length: COUNT }, (_, i) => 7 * i),
  images: Uint8Array.from({ length: COUNT * SIZE }, (_, at) => IMAGE[at % SIZE]!),
  labels: new Int32Array(COUNT),
}, Array.from({ length: COUNT }, (_, i) => i));
const rowOf = ({ x }: Batch, i: number) =>
  Uint8Array.from(x.data.subarray(i * SIZE, (i + 1) * SIZE), (pixel) => Math.round(255 * pixel));

Deno.test("randAugment() does each operation, in both directions, and nothing else", () => {
  const result = randAugment(BATCH, { n: 1, magnitude: 20 }, rng(1));
  const possible = new Map(
    IMAGE_OPERATIONS.flatMap((operation) =>
      [20, -20].map((magnitude) => [imageOperation(operation, IMAGE, SHAPE, magnitude).join(), operation] as const)
    ),
  );
  const seen = new Set(Array.from({ length: COUNT }, (_, i) => rowOf(result, i).join()));
  for (const image of seen) assert(possible.has(image));
  assertEquals(seen.size, possible.size);
  assertEquals([result.ids, result.y], [BATCH.ids, BATCH.y]);
});

Deno.test("randAugment() depends on stream and id, not on the place in the batch; n operations follow each other", () => {
  const result = randAugment(BATCH, { n: 2 }, rng(3));
  const some = [5, 1, 100];
  const part: Batch = {
    ...BATCH,
    ids: Int32Array.from(some, (i) => BATCH.ids[i]!),
    x: { ...BATCH.x, shape: [3, ...SHAPE], data: BATCH.x.data.slice(0, 3 * SIZE) },
  };
  const alone = randAugment(part, { n: 2 }, rng(3));
  some.forEach((i, k) => assertEquals(rowOf(alone, k), rowOf(result, i)));
  const draws = rng(3).child(BATCH.ids[5]!).uniform(4);
  const expected = [0, 1].reduce<Uint8Array>((image, k) => {
    const operation = IMAGE_OPERATIONS[Math.floor(14 * draws[2 * k]!)]!;
    return imageOperation(operation, image, SHAPE, draws[2 * k + 1]! < 0.5 ? -9 : 9);
  }, IMAGE);
  assertEquals(rowOf(result, 5).join(), expected.join());
});

Deno.test("randAugment() refuses what cannot be meant", () => {
  const refuses = (spec: RandAugmentSpec, message: string) =>
    assertThrows(() => randAugment(BATCH, spec, rng(1)), UsageError, message);
  refuses({ n: 0 }, "Cannot vary images by 0 operations: write an integer of at least 1");
  refuses({ magnitude: 31 }, "Cannot vary images with the magnitude 31: write an integer from 0 to 30");
});
