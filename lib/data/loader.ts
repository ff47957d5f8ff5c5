import { type Rng, UsageError } from "../core/mod.ts";
import type { AugmentSpec } from "./augment.ts";
import { augmentBatch } from "./augment_batch.ts";
import { type Batch, type Dataset, gather } from "./dataset.ts";

/** How training batches are made. */
export interface TrainBatchesOptions {
  /** Images per batch. */
  readonly batchSize: number;
  /** Random numbers of the run; the order and the augmentation have streams of their own below it. */
  readonly rng: Rng;
  /** Epoch, from 0. */
  readonly epoch: number;
  /**
   * How images are varied.
   *
   * @default not at all
   */
  readonly augment?: AugmentSpec;
  /**
   * First batch to give, from 0; those before it are not computed.
   *
   * @default {0}
   */
  readonly from?: number;
}

/**
 * Full batches in an epoch: floor(n / batchSize).
 *
 * @param n Number of images.
 * @param batchSize Images per batch.
 * @returns Number of batches.
 */
export function batchesPerEpoch(n: number, batchSize: number): number {
  return Math.floor(n / batchSize);
}

/**
 * The batches of one epoch in random order. An incomplete last batch is left out, as batches must have one shape; the
 * order changes with the epoch, so that no image is left out for long.
 *
 * @param dataset Images to train on.
 * @param options Size, randomness, epoch, augmentation, where to begin.
 * @returns The batches; each of `batchSize` images, without padding.
 * @throws {UsageError} If the data set is smaller than a batch, or the batch size is not a positive integer.
 */
export function trainBatches(dataset: Dataset, options: TrainBatchesOptions): Generator<Batch> {
  const { batchSize, epoch, augment, from = 0 } = options;
  checkBatchSize(batchSize);
  const n = dataset.ids.length;
  if (n < batchSize) {
    throw new UsageError(
      `Cannot make batches of ${batchSize} from the ${n} images of "${dataset.name}": ` +
        "take smaller batches or more images",
    );
  }
  const order = options.rng.child("order", epoch).permutation(n);
  const stream = options.rng.child("augment", epoch);
  return (function* () {
    for (let k = from; k < batchesPerEpoch(n, batchSize); k++) {
      const batch = gather(dataset, order.subarray(k * batchSize, (k + 1) * batchSize));
      yield augment === undefined ? batch : augmentBatch(batch, augment, stream);
    }
  })();
}

/**
 * All images in order, in batches of one size: the last is filled up with its first image and says so in its mask.
 *
 * @param dataset Images to evaluate on.
 * @param batchSize Images per batch.
 * @returns The batches.
 * @throws {UsageError} If the batch size is not a positive integer.
 */
export function evalBatches(dataset: Dataset, batchSize: number): Generator<Batch> {
  checkBatchSize(batchSize);
  const n = dataset.ids.length;
  return (function* () {
    for (let first = 0; first < n; first += batchSize) {
      const count = Math.min(batchSize, n - first);
      yield gather(dataset, Array.from({ length: batchSize }, (_, i) => i < count ? first + i : first), count);
    }
  })();
}

function checkBatchSize(batchSize: number): void {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new UsageError(`Cannot make batches of ${batchSize} images: write an integer of 1 or more`);
  }
}
