import { float32, int32, type NdArray, sizeOf, withDisplay } from "../core/mod.ts";
import { imagesBundle } from "./_images_bundle.ts";

/** Labelled images in memory, as bytes. */
export interface Dataset {
  /** Name for tables and messages: "cifar10 train". */
  readonly name: string;
  /** Names of the classes; a label is an index into it. */
  readonly classes: readonly string[];
  /** Height, width and channels of every image. */
  readonly imageShape: readonly [height: number, width: number, channels: number];
  /** Id of each image, [N]; it stays with the image in every subset, order and batch. */
  readonly ids: Int32Array;
  /** Pixels, [N, H, W, C], 0 to 255. */
  readonly images: Uint8Array;
  /** Classes, [N]. */
  readonly labels: Int32Array;
}

/** Images that go through a network together, with pixels in [0, 1]. */
export interface Batch {
  /** Ids of the images, [B]. */
  readonly ids: Int32Array;
  /** Pixels byte / 255, [B, H, W, C]. */
  readonly x: NdArray<"float32">;
  /** Classes, [B]. */
  readonly y: NdArray<"int32">;
  /** 1 for an image, 0 for padding, [B]. */
  readonly mask: NdArray<"float32">;
  /** Number of images that are no padding; they come first. */
  readonly count: number;
}

/**
 * Lets a data set show its first images in a notebook.
 *
 * @param dataset The data set; it is given the method, and nothing else of it changes.
 * @returns The same data set.
 */
export function withImages<D extends Dataset>(dataset: D): D {
  return withDisplay(dataset, () => imagesBundle(dataset, dataset.ids.length));
}

/**
 * Some images of a data set, in the order given.
 *
 * @param dataset The data set.
 * @param indices Positions in it, each from 0 to N - 1.
 * @param name Name of the subset; that of the data set where omitted.
 * @returns A copy of those images.
 * @throws {RangeError} If a position is outside of the data set.
 */
export function subset(dataset: Dataset, indices: ArrayLike<number>, name: string = dataset.name): Dataset {
  const size = sizeOf(dataset.imageShape);
  const ids = new Int32Array(indices.length);
  const labels = new Int32Array(indices.length);
  const images = new Uint8Array(indices.length * size);
  for (let i = 0; i < indices.length; i++) {
    const index = checkIndex(dataset, indices[i]!);
    ids[i] = dataset.ids[index]!;
    labels[i] = dataset.labels[index]!;
    images.set(dataset.images.subarray(index * size, (index + 1) * size), i * size);
  }
  return withImages({ ...dataset, name, ids, labels, images });
}

/**
 * Gathers images as a batch.
 *
 * @param dataset The data set.
 * @param indices Positions of the images in it; those that fill the batch up come last.
 * @param count Number of positions that are no padding.
 * @returns The batch of `indices.length` images.
 * @throws {RangeError} If a position is outside of the data set.
 */
export function gather(dataset: Dataset, indices: ArrayLike<number>, count: number = indices.length): Batch {
  const size = sizeOf(dataset.imageShape);
  const length = indices.length;
  const ids = new Int32Array(length);
  const labels = new Int32Array(length);
  const pixels = new Float32Array(length * size);
  for (let i = 0; i < length; i++) {
    const index = checkIndex(dataset, indices[i]!);
    ids[i] = dataset.ids[index]!;
    labels[i] = dataset.labels[index]!;
    const from = index * size;
    const to = i * size;
    for (let k = 0; k < size; k++) pixels[to + k] = UNIT[dataset.images[from + k]!]!;
  }
  const mask = Float32Array.from({ length }, (_, i) => i < count ? 1 : 0);
  const { imageShape, classes } = dataset;
  const batch = {
    ids,
    x: float32([length, ...imageShape], pixels),
    y: int32([length], labels),
    mask: float32([length], mask),
    count,
  };
  return withDisplay(batch, () => {
    const images = Uint8Array.from(pixels, (value) => Math.round(255 * value));
    return imagesBundle({ name: `Batch of "${dataset.name}"`, imageShape, classes, images, labels }, count);
  });
}

/**
 * Checks pixels that do not come from a file of bytes: each must be a number in [0, 1].
 *
 * @param x Pixels, of any shape.
 * @param what What they are, for the message.
 * @throws {RangeError} If a pixel is NaN or outside of [0, 1]; the message says which.
 */
export function checkPixels(x: NdArray<"float32">, what = "images"): void {
  const at = x.data.findIndex((value) => !(value >= 0 && value <= 1));
  if (at < 0) return;
  const position: number[] = [];
  let rest = at;
  for (const length of x.shape.toReversed()) {
    position.unshift(rest % length);
    rest = Math.floor(rest / length);
  }
  throw new RangeError(
    `Cannot use ${what} as pixels must be in [0, 1]: the value at [${position}] is ${x.data[at]}; divide bytes by 255`,
  );
}

/** byte / 255 in float32. */
const UNIT = Float32Array.from({ length: 256 }, (_, byte) => byte / 255);

function checkIndex(dataset: Dataset, index: number): number {
  if (!Number.isInteger(index) || index < 0 || index >= dataset.ids.length) {
    throw new RangeError(
      `Cannot take image ${index} of "${dataset.name}" as it has ${dataset.ids.length} images, from 0`,
    );
  }
  return index;
}
