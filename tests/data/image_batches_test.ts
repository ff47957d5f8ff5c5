import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DataError, rng, UsageError } from "../../lib/core/mod.ts";
import {
  type Batch,
  decodeImage,
  imageBatches,
  type ImageBatchesOptions,
  openImageFolder,
  viewImage,
} from "../../lib/data/mod.ts";
import { fileOf } from "./_pillow.ts";
import { inTempFolder } from "./_tiny_cifar10.ts";
import { writeTinyFolder } from "./_tiny_folder.ts";

const RANDOM = { kind: "random", size: 4 } as const;

async function all(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const found: Batch[] = [];
  for await (const batch of batches) found.push(batch);
  return found;
}

Deno.test("imageBatches() gives the same pixels for any batch size, number of threads, and start", async () => {
  await inTempFolder(async (root) => {
    await writeTinyFolder(root);
    const folder = await openImageFolder(root);
    const stream = rng(3, "augment", 1);
    const order = [4, 0, 2, 1, 3];
    const expected = viewImage(await decodeImage(fileOf("rgb.jpg"), ""), RANDOM, stream.child(4));
    const pixels = async (options: Pick<ImageBatchesOptions, "batchSize" | "workers" | "ahead" | "from">) => {
      const batches = await all(imageBatches(folder, { view: RANDOM, order, stream, ...options }));
      return batches.flatMap(({ x, count, ids, y }) =>
        Array.from({ length: count }, (_, i) => [ids[i], y.data[i], ...x.data.slice(i * 48, (i + 1) * 48)])
      );
    };
    const whole = await pixels({ batchSize: 5, workers: 1 });
    assertEquals(whole.map(([id, label]) => [id, label]), [[4, 1], [0, 0], [2, 0], [1, 0], [3, 1]]);
    assertEquals(whole[0]!.slice(2), Array.from(expected, (byte) => Math.fround(byte / 255)));
    assertEquals(await pixels({ batchSize: 2, workers: 3, ahead: 1 }), whole);
    assertEquals(await pixels({ batchSize: 2, workers: 1, from: 1 }), whole.slice(2));
  });
});

Deno.test("imageBatches() fills the last batch up, reads ahead within its bound, and ends its threads at a break", async () => {
  await inTempFolder(async (root) => {
    await writeTinyFolder(root);
    const folder = await openImageFolder(root);
    const options = { view: { kind: "centre", size: 4, resize: 5 }, order: [0, 1, 2, 3, 4], workers: 2 } as const;
    const [, , last] = await all(imageBatches(folder, { ...options, batchSize: 2 }));
    assertEquals([last!.count, [...last!.ids], [...last!.mask.data]], [1, [4, 4], [1, 0]]);
    assertEquals(last!.x.data.slice(0, 48), last!.x.data.slice(48));

    // The fifth image is beyond the bound: it is gone before it is asked for, and nobody minds.
    const batches = imageBatches(folder, { ...options, batchSize: 1, ahead: 2 });
    assertEquals(batches.idleShare(), 0);
    await Deno.remove(folder.places[3]!.path);
    const threads = { started: 0, ended: 0 };
    const OriginalWorker = globalThis.Worker;
    globalThis.Worker = class extends OriginalWorker {
      constructor(...args: ConstructorParameters<typeof OriginalWorker>) {
        super(...args);
        threads.started++;
      }
      override terminate(): void {
        super.terminate();
        threads.ended++;
      }
    };
    try {
      for await (const batch of batches) {
        assertEquals([...batch.ids], [0]);
        const share = batches.idleShare();
        assert(share > 0 && share <= 1, `${share}`);
        assertEquals(threads, { started: 2, ended: 0 });
        break;
      }
    } finally {
      globalThis.Worker = OriginalWorker;
    }
    assertEquals(threads, { started: 2, ended: 2 });
  });
});

Deno.test("imageBatches() stops at a damaged file, or leaves it out and says so", async () => {
  await inTempFolder(async (root) => {
    await writeTinyFolder(root);
    const bad = `${root}/b/0.jpg`;
    await Deno.writeTextFile(bad, "oops");
    const reason =
      `Cannot decode "${bad}" as an image: it is neither JPEG nor PNG (its first bytes are 6f 6f 70 73); ` +
      "download it again or leave it out";
    const folder = await openImageFolder(root);
    const options = { view: RANDOM, stream: rng(1), workers: 2 } as const;
    const stopping = imageBatches(folder, { ...options, batchSize: 2, order: [0, 1, 3, 4] });
    const seen: number[] = [];
    const error = await assertRejects(async () => {
      for await (const batch of stopping) seen.push(...batch.ids);
    }, DataError);
    assertEquals([error.message, seen], [reason, [0, 1]]);

    const skipping = imageBatches(folder, { ...options, batchSize: 3, order: [0, 3, 4], onCorrupt: "skip" });
    const [batch] = await all(skipping);
    assertEquals([[...batch!.ids], [...batch!.mask.data], batch!.count], [[0, 4, 0], [1, 1, 0], 2]);
    assertEquals(skipping.skipped, [{ id: 3, reason }]);
    await assertRejects(
      () => all(imageBatches(folder, { ...options, batchSize: 1, order: [3], onCorrupt: "skip" })),
      DataError,
      `Cannot make a batch as all of its images are damaged, first: ${reason}`,
    );
  });
});

Deno.test("imageBatches() takes another image in the place of a damaged one, the same from wherever it begins", async () => {
  await inTempFolder(async (root) => {
    await writeTinyFolder(root);
    const folder = await openImageFolder(root);
    await Deno.writeTextFile(folder.places[3]!.path, "oops");
    const options = { view: RANDOM, stream: rng(1), order: [0, 1, 3, 4], batchSize: 2, replace: true } as const;
    const skipping = imageBatches(folder, { ...options, onCorrupt: "skip", workers: 2 });
    const batches = await all(skipping);
    const [, second] = batches;
    const instead = second!.ids[0]!;
    assert([0, 1, 2].includes(instead), `${instead}`);
    assertEquals([second!.ids[1], second!.count, [...second!.mask.data]], [4, 2, [1, 1]]);
    assertEquals(skipping.skipped.map(({ id, instead }) => [id, instead]), [[3, instead]]);
    assertEquals(await all(imageBatches(folder, { ...options, onCorrupt: "skip", from: 1, workers: 1 })), [second!]);
    const whole = await all(imageBatches(folder, { ...options, order: [instead, 4] }));
    assertEquals(whole[0]!.x, second!.x, "the image in its place has the view of its own id");
    await assertRejects(() => all(imageBatches(folder, options)), DataError, "Cannot decode");

    // One after the other is tried, each told, until none is left.
    for (const i of [0, 2, 4]) await Deno.writeTextFile(folder.places[i]!.path, "oops");
    const one = imageBatches(folder, { ...options, order: [3], batchSize: 1, onCorrupt: "skip" });
    assertEquals((await all(one)).map(({ ids }) => [...ids]), [[1]]);
    assertEquals(one.skipped.at(-1)!.instead, 1);
    await assertRejects(
      () => all(imageBatches(folder, { ...options, order: [3, 1], onCorrupt: "skip" })),
      DataError,
      "Cannot fill a batch of 2 as no other image is left in place of one: Cannot decode",
    );
    assertEquals(
      assertThrows(() => imageBatches(folder, { view: RANDOM, order: [0], batchSize: 1, replace: true }), RangeError)
        .message,
      "Cannot replace damaged images without random numbers: pass a stream",
    );
  });
});

Deno.test("imageBatches() refuses sizes that are none, and a random view without a stream", async () => {
  await inTempFolder(async (root) => {
    await writeTinyFolder(root);
    const folder = await openImageFolder(root);
    assertEquals(
      assertThrows(() => imageBatches(folder, { view: RANDOM, order: [0], batchSize: 0 }), UsageError).message,
      "Cannot use 0 as batchSize: write an integer of 1 or more",
    );
    await assertRejects(
      () => all(imageBatches(folder, { view: RANDOM, order: [0], batchSize: 1 })),
      Error,
      "Cannot make a random view without random numbers: pass a stream",
    );
  });
});
