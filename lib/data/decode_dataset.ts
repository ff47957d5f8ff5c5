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
  /**
   * Number of images to hold: the first that can be decoded.
   *
   * @default all
   */
  readonly most?: number;
  /** Told how many images have come, and how many there will be at most. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** A data set in memory, and what is missing from it. */
export interface DecodedDataset {
  /** The images that could be decoded. */
  readonly dataset: Dataset;
  /** Damaged files that were left out. */
  readonly skipped: readonly SkippedImage[];
}

/** How images on the disk are decoded. */
export interface ReadImagesOptions {
  /** Told of every damaged file that was left out of the images in memory, and of which data set it is. */
  readonly onSkipped?: (image: SkippedImage, name: string) => void;
  /** Told how far a data set that is decoded into memory has come. */
  readonly onProgress?: (done: number, total: number, name: string) => void;
  /**
   * Threads that decode.
   *
   * @default one per processor, eight at most
   */
  readonly workers?: number;
  /**
   * What will be used, so that no more is read and decoded: whether training images are, and how many of the first
   * validation and test images.
   *
   * @default all
   */
  readonly uses?: { readonly train: boolean; readonly validation: number; readonly test: number };
}

/** Images are decoded this many at a time. */
const CHUNK = 256;
/** Bytes that are held at most. */
const MOST = 2 ** 33;

/**
 * Decodes images into memory, as bytes: 150 kB each at 224x224, 7.5 GB for the 50,000 of ImageNet's `val`.
 *
 * @param folder The images.
 * @param options Which, and what to cut out.
 * @returns The data set, with the folder's ids.
 * @throws {UsageError} If they would take more than 8 GiB.
 * @throws {DataError} If a file is damaged and `onCorrupt` is "stop".
 */
export async function decodeDataset(folder: ImageFolder, options: DecodeDatasetOptions): Promise<DecodedDataset> {
  const { view, workers, onCorrupt = "stop", onProgress } = options;
  const positions = Array.from(options.positions ?? folder.ids.keys());
  const most = Math.min(positions.length, options.most ?? Infinity);
  const size = view.size * view.size * 3;
  if (most * size > MOST) {
    throw new UsageError(
      `Cannot hold ${most} images of "${folder.name}" at ${view.size}x${view.size} in memory ` +
        `(${Math.ceil(most * size / 2 ** 30)} GiB where 8 are the most): take fewer`,
    );
  }
  using pool = decodePool(workers);
  const images = new Uint8Array(most * size);
  const kept: number[] = [];
  const skipped: SkippedImage[] = [];
  for (let first = 0; first < positions.length && kept.length < most;) {
    const some = positions.slice(first, first + Math.min(CHUNK, most - kept.length));
    first += some.length;
    const decoded = await decodeAll(pool, folder, some, view, undefined, onCorrupt);
    decoded.pixels.forEach((pixels, i) => images.set(pixels, (kept.length + i) * size));
    kept.push(...decoded.positions);
    skipped.push(...decoded.skipped);
    onProgress?.(kept.length, most);
  }
  return {
    dataset: {
      name: folder.name,
      classes: folder.classes,
      imageShape: [view.size, view.size, 3],
      ids: Int32Array.from(kept, (position) => folder.ids[position]!),
      images: images.subarray(0, kept.length * size),
      labels: Int32Array.from(kept, (position) => folder.labels[position]!),
    },
    skipped,
  };
}
