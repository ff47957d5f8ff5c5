import type { RgbImage } from "./decode_image.ts";

/** How pixels are weighted where an image is resized. */
export type ResizeFilter = "bilinear" | "bicubic";

/** A rectangle of pixels. */
export interface Rectangle {
  /** First column. */
  readonly left: number;
  /** First row. */
  readonly top: number;
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/** How {@linkcode resizeImage} resizes. */
export interface ResizeOptions {
  /** Columns of the result. */
  readonly width: number;
  /** Rows of the result. */
  readonly height: number;
  /**
   * The weights: a triangle, or Keys' cubic with a = -0.5, both widened by the factor of a reduction (antialiasing).
   *
   * @default {"bilinear"}
   */
  readonly filter?: ResizeFilter;
  /**
   * The part of the image to resize, as though it were cut out before.
   *
   * @default all
   */
  readonly from?: Rectangle;
  /**
   * The part of the result to compute, as though it were cut out afterwards.
   *
   * @default all
   */
  readonly window?: Rectangle;
}

/**
 * Resizes an image as Pillow does, byte for byte: along rows, rounded to bytes, then along columns, with weights of 22
 * bits.
 *
 * Source: Pillow, `src/libImaging/Resample.c` (what torchvision calls for images that are no tensors).
 *
 * @param image The image.
 * @param options Size, filter, and the parts of image and result.
 * @returns The window of the resized image.
 * @throws {RangeError} If a size is not a positive integer, or a part is not inside.
 */
export function resizeImage(image: RgbImage, options: ResizeOptions): RgbImage {
  const { width, height, filter = "bilinear" } = options;
  const from = options.from ?? { left: 0, top: 0, width: image.width, height: image.height };
  const window = options.window ?? { left: 0, top: 0, width, height };
  checkPart(from, image, "the image");
  checkPart(window, { width, height }, "the result");
  const across = weights(from.width, width, window.left, window.width, filter);
  const down = weights(from.height, height, window.top, window.height, filter);
  const firstRow = down.first[0]!;
  const lastRow = down.first.at(-1)! + down.count.at(-1)!;
  const rows = lastRow - firstRow;
  const narrow = new Uint8Array(rows * window.width * 3);
  const stride = window.width * 3;
  for (let row = 0; row < rows; row++) {
    const line = ((from.top + firstRow + row) * image.width + from.left) * 3;
    for (let x = 0; x < window.width; x++) {
      sum(image.data, line + across.first[x]! * 3, 3, across, x, narrow, row * stride + x * 3);
    }
  }
  const data = new Uint8Array(window.height * stride);
  for (let y = 0; y < window.height; y++) {
    const start = (down.first[y]! - firstRow) * stride;
    for (let x = 0; x < window.width; x++) sum(narrow, start + x * 3, stride, down, y, data, y * stride + x * 3);
  }
  return { width: window.width, height: window.height, data };
}

/** Weights of each output, in units of 2^-22. */
interface Weights {
  /** First input of each output. */
  readonly first: Int32Array;
  /** Number of inputs of each output. */
  readonly count: Int32Array;
  /** Weights of output i from i * size on. */
  readonly values: Int32Array;
  readonly size: number;
}

const BITS = 22;
const SUPPORT: { readonly [F in ResizeFilter]: number } = { bilinear: 1, bicubic: 2 };
const FILTERS: { readonly [F in ResizeFilter]: (x: number) => number } = {
  bilinear: (x) => Math.max(0, 1 - Math.abs(x)),
  bicubic: (x) => {
    const t = Math.abs(x);
    if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
    return t < 2 ? (((t - 5) * t + 8) * t - 4) * -0.5 : 0;
  },
};

/** Weights of `length` outputs from `start` on, of `to` in all, over `from` inputs. */
function weights(from: number, to: number, start: number, length: number, filter: ResizeFilter): Weights {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const support = SUPPORT[filter] * stretch;
  const size = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(length);
  const count = new Int32Array(length);
  const values = new Int32Array(length * size);
  const exact = new Float64Array(size);
  for (let i = 0; i < length; i++) {
    const centre = (start + i + 0.5) * scale;
    const low = Math.max(0, Math.trunc(centre - support + 0.5));
    const high = Math.min(from, Math.trunc(centre + support + 0.5));
    let total = 0;
    for (let k = 0; k < high - low; k++) {
      exact[k] = FILTERS[filter]((k + low - centre + 0.5) * (1 / stretch));
      total += exact[k]!;
    }
    for (let k = 0; k < high - low; k++) {
      const weight = (total === 0 ? exact[k]! : exact[k]! / total) * 2 ** BITS;
      values[i * size + k] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    first[i] = low;
    count[i] = high - low;
  }
  return { first, count, values, size };
}

/** One pixel of the result from inputs that are `step` bytes apart. */
function sum(from: Uint8Array, at: number, step: number, w: Weights, i: number, into: Uint8Array, to: number): void {
  const { values } = w;
  let red = 1 << BITS - 1;
  let green = red;
  let blue = red;
  const first = i * w.size;
  const count = w.count[i]!;
  for (let k = 0; k < count; k++) {
    const weight = values[first + k]!;
    const pixel = at + k * step;
    red = red + Math.imul(from[pixel]!, weight) | 0;
    green = green + Math.imul(from[pixel + 1]!, weight) | 0;
    blue = blue + Math.imul(from[pixel + 2]!, weight) | 0;
  }
  into[to] = clip(red >> BITS);
  into[to + 1] = clip(green >> BITS);
  into[to + 2] = clip(blue >> BITS);
}

function clip(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

function checkPart(part: Rectangle, whole: { readonly width: number; readonly height: number }, what: string): void {
  const { left, top, width, height } = part;
  const inside = [left, top, width, height].every(Number.isInteger) && left >= 0 && top >= 0 && width > 0 &&
    height > 0 && left + width <= whole.width && top + height <= whole.height;
  if (!inside) {
    throw new RangeError(
      `Cannot take ${width}x${height} pixels at column ${left}, row ${top} of ${what} as it has ` +
        `${whole.width}x${whole.height}`,
    );
  }
}
