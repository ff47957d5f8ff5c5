import { type Rng, UsageError } from "../core/mod.ts";
import { batchOf, decodeAll, type Decoded } from "./_decode_all.ts";
import { decodePool } from "./_decode_pool.ts";
import { replaceDamaged } from "./_replace_damaged.ts";
import type { Batch } from "./dataset.ts";
import type { ImageFolder } from "./image_folder.ts";
import type { ImageView } from "./view_image.ts";

/** What is done about a file that cannot be decoded: end with its error, or go on without it and say so. */
export type OnCorrupt = "stop" | "skip";

/** How images are decoded. */
export interface DecodeOptions {
  /** What to cut out of each. */
  readonly view: ImageView;
  /**
   * Threads that decode.
   *
   * @default one per processor, eight at most
   */
  readonly workers?: number;
  /**
   * What to do about a file that cannot be decoded.
   *
   * @default {"stop"}
   */
  readonly onCorrupt?: OnCorrupt;
}

/** How {@linkcode imageBatches} makes batches. */
export interface ImageBatchesOptions extends DecodeOptions {
  /** Images per batch. */
  readonly batchSize: number;
  /** Positions of the images, batch after batch: an order at random to train, all in a row to evaluate. */
  readonly order: ArrayLike<number>;
  /** Stream of a random view; each image draws below it by its id: `rng(seed, "augment", epoch)`. */
  readonly stream?: Rng;
  /**
   * First batch to give, from 0; those before it are not read.
   *
   * @default {0}
   */
  readonly from?: number;
  /**
   * Batches that are decoded while one is in use; this and `batchSize` bound the memory.
   *
   * @default {2}
   */
  readonly ahead?: number;
  /**
   * Whether another image takes the place of a damaged one, so that every batch is full, as training needs it. It is drawn
   * by (stream, id of the damaged image) from those that are not in the batch, and has the view of its own id: batches
   * do not depend on those before them.
   *
   * @default {false}
   */
  readonly replace?: boolean;
}

/** A damaged file that was left out. */
export interface SkippedImage {
  /** Id of the image. */
  readonly id: number;
  /** What was wrong, with the path. */
  readonly reason: string;
  /** Id of the image in its place, where one was taken. */
  readonly instead?: number;
}

/** Batches that are decoded ahead, and what came of it. */
export interface ImageBatches extends AsyncIterable<Batch> {
  /** Damaged files that were left out so far. */
  readonly skipped: readonly SkippedImage[];
  /** Share of the time since the first batch was asked for in which the user waited for images; 0 before. */
  readonly idleShare: () => number;
}

/**
 * Batches of images from the disk, decoded on threads ahead of their use. Pixels depend on the image, the view and the
 * stream alone, not on threads or batch size. A batch holds the images that could be decoded first; its other places
 * (the last batch's, and those of damaged files) repeat the first of them and have mask 0.
 *
 * Leaving the loop ends the threads.
 *
 * @param folder The images.
 * @param options Which, how large, what to cut out.
 * @returns The batches, to be gone through once.
 * @throws {UsageError} If a size is no positive integer.
 * @throws {RangeError} If damaged images are to be replaced and there is no stream.
 * @throws {DataError} While going through them: if a file is damaged (`onCorrupt: "stop"`), all of a batch are, or none
 * is left to replace one.
 */
export function imageBatches(folder: ImageFolder, options: ImageBatchesOptions): ImageBatches {
  const { batchSize, order, view, stream, from = 0, ahead = 2, workers, onCorrupt = "stop", replace = false } = options;
  for (const [what, value] of Object.entries({ batchSize, ahead })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new UsageError(`Cannot use ${value} as ${what}: write an integer of 1 or more`);
    }
  }
  if (replace && stream === undefined) {
    throw new RangeError("Cannot replace damaged images without random numbers: pass a stream");
  }
  const skipped: SkippedImage[] = [];
  let begun: number | undefined;
  let waited = 0;

  async function* batches(): AsyncGenerator<Batch> {
    begun = performance.now();
    using pool = decodePool(workers);
    const last = Math.ceil(order.length / batchSize);
    const coming: Promise<Decoded>[] = [];
    let next = from;
    for (let k = from; k < last; k++) {
      const asked = performance.now();
      // One batch in use, `ahead` of them on their way.
      for (; next < last && next <= k + ahead; next++) {
        const positions = Array.prototype.slice.call(order, next * batchSize, (next + 1) * batchSize);
        const found = decodeAll(pool, folder, positions, view, stream, onCorrupt);
        const decoded = replace ? found.then((batch) => replaceDamaged(pool, folder, batch, view, stream!)) : found;
        decoded.catch(() => {}); // told when it is its turn
        coming.push(decoded);
      }
      const decoded = await coming.shift()!;
      skipped.push(...decoded.skipped);
      const batch = batchOf(folder, decoded, batchSize, view.size);
      waited += performance.now() - asked;
      yield batch;
    }
  }
  return {
    [Symbol.asyncIterator]: batches,
    skipped,
    idleShare: () => begun === undefined ? 0 : waited / Math.max(1e-9, performance.now() - begun),
  };
}
