import { batchOf, decodeAll } from "./_decode_all.ts";
import { decodePool } from "./_decode_pool.ts";
import type { Batch } from "./dataset.ts";
import type { ImageFolder } from "./image_folder.ts";
import type { CentreView } from "./view_image.ts";

/** How {@linkcode imageSource} decodes. */
export interface ImageSourceOptions {
  /** What to cut out of each. */
  readonly view: CentreView;
  /**
   * Threads that decode.
   *
   * @default one per processor, eight at most
   */
  readonly workers?: number;
}

/** Images on the disk, as batches of those that are asked for: what `attackImages` takes. Disposing ends the threads. */
export interface FolderSource extends Disposable {
  /** Number of images. */
  readonly count: number;
  /** Reads and decodes images, in the order asked for; a DataError where a file is damaged. */
  readonly load: (positions: readonly number[]) => Promise<Batch>;
}

/**
 * Images that are decoded when they are asked for.
 *
 * @param folder The images.
 * @param options What to cut out, on how many threads.
 * @returns The source.
 * @throws {RangeError} If the number of threads is no positive integer.
 */
export function imageSource(folder: ImageFolder, options: ImageSourceOptions): FolderSource {
  const { view, workers } = options;
  const pool = decodePool(workers);
  return {
    count: folder.ids.length,
    load: async (positions) => {
      const decoded = await decodeAll(pool, folder, positions, view, undefined, "stop");
      return batchOf(folder, decoded, positions.length, view.size);
    },
    [Symbol.dispose]: () => pool[Symbol.dispose](),
  };
}
