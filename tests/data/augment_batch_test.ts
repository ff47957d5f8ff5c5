import { assertEquals } from "@std/assert";
import { rng } from "../../lib/core/mod.ts";
import { augmentBatch, cropAndFlip, randAugment, shapes, trainBatches } from "../../lib/data/mod.ts";

const { train } = shapes({ seed: 1, train: 8, test: 1, size: 12 });

Deno.test("augmentBatch() shifts and mirrors, then does the operations that are asked for", () => {
  const [batch] = trainBatches(train, { batchSize: 8, rng: rng(1), epoch: 0 });
  const stream = rng(2);
  const shifted = cropAndFlip(batch!, { pad: 2, flip: true }, stream);
  assertEquals(augmentBatch(batch!, { pad: 2, flip: true }, stream), shifted);
  assertEquals(
    augmentBatch(batch!, { pad: 2, flip: true, randAugment: { n: 1 } }, stream),
    randAugment(shifted, { n: 1 }, stream.child("operations")),
  );
});

Deno.test("trainBatches() varies images anew in every epoch, and alike when it begins later", () => {
  const options = { batchSize: 4, rng: rng(1), epoch: 0, augment: { pad: 0, flip: false, randAugment: {} } };
  const [, second] = trainBatches(train, options);
  const [late] = trainBatches(train, { ...options, from: 1 });
  assertEquals(late, second);
  const pixelsOf = (epoch: number) => {
    const batches = [...trainBatches(train, { ...options, epoch })];
    const at = batches.findIndex(({ ids }) => ids.includes(train.ids[0]!));
    const row = batches[at]!.ids.indexOf(train.ids[0]!);
    return batches[at]!.x.data.slice(row * 432, (row + 1) * 432).join();
  };
  assertEquals(new Set([0, 1, 2, 3].map(pixelsOf)).size > 1, true);
});
