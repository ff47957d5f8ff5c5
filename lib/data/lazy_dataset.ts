import type { AugmentSpec } from "./augment.ts";
import { augmentBatch } from "./augment_batch.ts";
import type { Batch, Dataset } from "./dataset.ts";
import { type DecodeOptions, type ImageBatches, imageBatches, type ImageBatchesOptions } from "./image_batches.ts";
import type { ImageFolder } from "./image_folder.ts";
import { batchesPerEpoch, type TrainBatchesOptions } from "./loader.ts";

/** Images to train on that are read while they are used. */
export interface LazyDataset extends Pick<Dataset, "name" | "classes" | "imageShape" | "ids"> {
  /** The full batches of one epoch in random order, as {@linkcode trainBatches} gives those of a {@linkcode Dataset}. */
  readonly batches: (options: TrainBatchesOptions) => ImageBatches;
}

/** Images to train on that are decoded while they are used. */
export interface FolderDataset extends LazyDataset {
  /** Where they lie, and their labels. */
  readonly folder: ImageFolder;
}

/**
 * Images of a folder to train on, decoded on threads ahead of the step: `1 + ahead` batches of memory whatever their
 * number. The order of an epoch comes from the stream `child("order", epoch)`, and the view of each image from
 * `child("augment", epoch)` by its id. Where damaged files are left out, each is replaced in its batch by another image
 * (`replace` of {@linkcode ImageBatchesOptions}), in every epoch anew, and told.
 *
 * @param folder The images.
 * @param options What to cut out, threads, and what to do about damaged files.
 * @returns What `train` takes in place of a data set in memory.
 *
 * @example Usage
 * ```ts
 * import { type FolderDataset, IMAGENET_RANDOM, lazyDataset, openImageFolder } from "@kdiga/kdiga";
 *
 * async function imagenet(): Promise<FolderDataset> {
 *   const folder = await openImageFolder("imagenet/train");
 *   return lazyDataset(folder, { view: IMAGENET_RANDOM, onCorrupt: "skip" }); // `dataset` of train()
 * }
 * ```
 */
export function lazyDataset(
  folder: ImageFolder,
  options: DecodeOptions & Pick<ImageBatchesOptions, "ahead">,
): FolderDataset {
  const { name, classes, ids } = folder;
  const { size } = options.view;
  return {
    name,
    classes,
    ids,
    folder,
    imageShape: [size, size, 3],
    batches: ({ batchSize, rng, epoch, augment, from = 0 }) => {
      const stream = rng.child("augment", epoch);
      const order = rng.child("order", epoch).permutation(ids.length);
      const whole = order.subarray(0, batchesPerEpoch(ids.length, batchSize) * batchSize);
      const batches = imageBatches(folder, { ...options, batchSize, order: whole, stream, from, replace: true });
      if (augment === undefined) return batches;
      return { ...batches, [Symbol.asyncIterator]: () => varied(batches, augment, stream) };
    },
  };
}

type Stream = Parameters<typeof augmentBatch>[2];

async function* varied(batches: AsyncIterable<Batch>, augment: AugmentSpec, stream: Stream): AsyncGenerator<Batch> {
  for await (const batch of batches) yield augmentBatch(batch, augment, stream.child("shift"));
}
