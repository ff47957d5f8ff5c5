import { UsageError } from "../core/mod.ts";
import { decodeAll } from "./_decode_all.ts";
import { decodePool } from "./_decode_pool.ts";
import type { Dataset } from "./dataset.ts";
import type { DecodeOptions, SkippedImage } from "./image_batches.ts";
import type { ImageFolder } from "./image_folder.ts";
import type { CentreView } from "./view_image.ts";

/** How {@linkcode decodeDataset} decodes. */
export interface DecodeDatasetOptions extends DecodeOptions {
  /** What to cut out of each; the same every time. */
  readonly view: CentreView;
  /**
   * Positions of the images.
   *
   * @default all
   */
  readonly positions?: ArrayLike<number>;
}

/** A data set in memory, and what is missing from it. */
export interface DecodedDataset {
  /** The images that could be decoded. */
  readonly dataset: Dataset;
  /** Damaged files that were left out. */
  readonly skipped: readonly SkippedImage[];
}

/** Images are decoded this many at a time. */
const CHUNK = 256;
/** Bytes that are held at most. */
const MOST = 2 ** 33;

/**
 * Decodes images into memory: 150 kB each at 224x224, so a few thousand to evaluate on rather than a training set.
 *
 * @param folder The images.
 * @param options Which, and what to cut out.
 * @returns The data set, with the folder's ids.
 * @throws {UsageError} If they would take more than 8 GiB.
 * @throws {DataError} If a file is damaged and `onCorrupt` is "stop".
 */
export async function decodeDataset(folder: ImageFolder, options: DecodeDatasetOptions): Promise<DecodedDataset> {
  const { view, workers, onCorrupt = "stop" } = options;
  const positions = Array.from(options.positions ?? folder.ids.keys());
  const size = view.size * view.size * 3;
  if (positions.length * size > MOST) {
    throw new UsageError(
      `Cannot hold ${positions.length} images of "${folder.name}" at ${view.size}x${view.size} in memory ` +
        `(${Math.ceil(positions.length * size / 2 ** 30)} GiB where 8 are the most): take fewer`,
    );
  }
  using pool = decodePool(workers);
  const images = new Uint8Array(positions.length * size);
  const kept: number[] = [];
  const skipped: SkippedImage[] = [];
  for (let first = 0; first < positions.length; first += CHUNK) {
    const decoded = await decodeAll(pool, folder, positions.slice(first, first + CHUNK), view, undefined, onCorrupt);
    decoded.pixels.forEach((pixels, i) => images.set(pixels, (kept.length + i) * size));
    kept.push(...decoded.positions);
    skipped.push(...decoded.skipped);
  }
  return {
    dataset: {
      name: folder.name,
      classes: folder.classes,
      imageShape: [view.size, view.size, 3],
      ids: Int32Array.from(kept, (position) => folder.ids[position]!),
      images: skipped.length === 0 ? images : images.slice(0, kept.length * size),
      labels: Int32Array.from(kept, (position) => folder.labels[position]!),
    },
    skipped,
  };
}
