import { assertEquals, assertNotEquals } from "@std/assert";
import { rng } from "../../lib/core/mod.ts";
import {
  type Batch,
  cropAndFlip,
  imageBatches,
  lazyDataset,
  openImageFolder,
  trainBatches,
} from "../../lib/data/mod.ts";
import { inTempFolder } from "./_tiny_cifar10.ts";
import { tinyDataset } from "./_tiny_dataset.ts";
import { writeTinyFolder } from "./_tiny_folder.ts";

const VIEW = { kind: "random", size: 4 } as const;

async function all(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const found: Batch[] = [];
  for await (const batch of batches) found.push(batch);
  return found;
}

Deno.test("lazyDataset() gives the full batches of an epoch in the order of trainBatches()", async () => {
  await inTempFolder(async (root) => {
    await writeTinyFolder(root);
    const folder = await openImageFolder(root, { name: "tiny" });
    const lazy = lazyDataset(folder, { view: VIEW, workers: 1 });
    assertEquals([lazy.name, lazy.classes, lazy.imageShape, lazy.ids.length], ["tiny", ["a", "b"], [4, 4, 3], 5]);
    const options = { batchSize: 2, rng: rng(7), epoch: 1 };
    const batches = await all(lazy.batches(options));
    assertEquals(
      batches.map(({ ids }) => [...ids]),
      [...trainBatches(tinyDataset(5), options)].map(({ ids }) => Array.from(ids, (id) => id - 100)),
    );
    assertEquals(await all(lazy.batches({ ...options, from: 1 })), batches.slice(1));
    assertNotEquals((await all(lazy.batches({ ...options, epoch: 2 })))[0]!.x, batches[0]!.x);

    const stream = rng(7).child("augment", 1);
    const order = batches.flatMap(({ ids }) => [...ids]);
    const same = imageBatches(folder, { view: VIEW, order, batchSize: 2, stream, workers: 1 });
    assertEquals(await all(same), batches);
    const augment = { pad: 1, flip: true };
    const [shifted] = await all(lazy.batches({ ...options, augment }));
    assertEquals(shifted, cropAndFlip(batches[0]!, augment, stream.child("shift")));
  });
});
