import type { Rng } from "../core/mod.ts";
import type { RgbImage } from "./decode_image.ts";
import { type ResizeFilter, resizeImage } from "./resize_image.ts";

/** How images of any size become squares of one size. */
export type ImageView = CentreView | RandomView;

/** The middle of an image, to evaluate on. */
export interface CentreView {
  /** Which view. */
  readonly kind: "centre";
  /** Side of the square, in pixels. */
  readonly size: number;
  /** The shorter side is resized to this many pixels before the middle is cut out: commonly size * 256 / 224. */
  readonly resize: number;
  /**
   * Weights of the resizing.
   *
   * @default {"bilinear"}
   */
  readonly filter?: ResizeFilter;
}

/** A part of an image at random, to train on. */
export interface RandomView {
  /** Which view. */
  readonly kind: "random";
  /** Side of the square, in pixels. */
  readonly size: number;
  /**
   * Bounds of the part's share of the image's area.
   *
   * @default {[0.08, 1]}
   */
  readonly scale?: readonly [low: number, high: number];
  /**
   * Bounds of the part's width / height; it is uniform in its logarithm.
   *
   * @default {[3 / 4, 4 / 3]}
   */
  readonly ratio?: readonly [low: number, high: number];
  /**
   * Whether every second image, at random, is mirrored left to right.
   *
   * @default {true}
   */
  readonly flip?: boolean;
  /**
   * Weights of the resizing.
   *
   * @default {"bilinear"}
   */
  readonly filter?: ResizeFilter;
}

/** What torchvision's ImageNet recipes evaluate on: the shorter side to 256, the middle 224. */
export const IMAGENET_CENTRE: CentreView = { kind: "centre", size: 224, resize: 256 };

/** What torchvision's ImageNet recipes train on. */
export const IMAGENET_RANDOM: RandomView = { kind: "random", size: 224 };

const TRIES = 10;

/**
 * Cuts and resizes an image to a square. A centre view is torchvision's `Resize(resize)` and `CenterCrop(size)`, byte
 * for byte (an image that is smaller than the square is framed in black); a random one is its
 * `RandomResizedCrop(size, scale, ratio)` and `RandomHorizontalFlip()` with draws of its own.
 *
 * Source: torchvision, `transforms/functional.py` and `transforms/transforms.py`, on Pillow images; Szegedy et al.,
 * "Going deeper with convolutions" (2015), section 6, for random parts.
 *
 * @param image The image.
 * @param view What to cut out.
 * @param stream Random numbers of this image: `rng(seed, "augment", epoch, id)`; a centre view needs none.
 * @returns Bytes, [size, size, 3].
 * @throws {RangeError} If a size is no positive integer, or a random view has no stream.
 */
export function viewImage(image: RgbImage, view: ImageView, stream?: Rng): Uint8Array {
  for (const [name, value] of Object.entries({ size: view.size, resize: view.kind === "centre" ? view.resize : 1 })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`Cannot use ${value} as ${name} of a view: it needs an integer of 1 or more`);
    }
  }
  if (view.kind === "centre") return centre(image, view);
  if (stream === undefined) throw new RangeError("Cannot make a random view without random numbers: pass a stream");
  return random(image, view, stream);
}

function centre(image: RgbImage, { size, resize, filter = "bilinear" }: CentreView): Uint8Array {
  const short = Math.min(image.width, image.height);
  const long = (side: number) => side === short ? resize : Math.trunc(resize * side / short);
  const [width, height] = [long(image.width), long(image.height)];
  if (width >= size && height >= size) {
    const window = {
      left: roundEven((width - size) / 2),
      top: roundEven((height - size) / 2),
      width: size,
      height: size,
    };
    return resizeImage(image, { width, height, filter, window }).data;
  }
  // Black on each side where the image is smaller, the odd pixel right and below; then the middle of what is there.
  const small = resizeImage(image, { width, height, filter });
  const left = Math.max(0, Math.floor((size - width) / 2));
  const top = Math.max(0, Math.floor((size - height) / 2));
  const skipX = roundEven(Math.max(0, width - size) / 2);
  const skipY = roundEven(Math.max(0, height - size) / 2);
  const columns = Math.min(width, size);
  const out = new Uint8Array(size * size * 3);
  for (let row = 0; row < Math.min(height, size); row++) {
    const from = ((row + skipY) * width + skipX) * 3;
    out.set(small.data.subarray(from, from + columns * 3), ((row + top) * size + left) * 3);
  }
  return out;
}

function random(image: RgbImage, view: RandomView, stream: Rng): Uint8Array {
  const { size, filter = "bilinear", flip = true } = view;
  const { data } = resizeImage(image, { width: size, height: size, filter, from: randomPart(image, view, stream) });
  if (!flip || stream.child("flip").uniform(1)[0]! >= 0.5) return data;
  const out = new Uint8Array(data.length);
  for (let row = 0; row < size; row++) {
    for (let x = 0; x < size; x++) {
      const from = (row * size + x) * 3;
      const to = (row * size + size - 1 - x) * 3;
      for (let c = 0; c < 3; c++) out[to + c] = data[from + c]!;
    }
  }
  return out;
}

function randomPart({ width, height }: RgbImage, view: RandomView, stream: Rng) {
  const { scale: [smallest, largest] = [0.08, 1], ratio: [narrowest, widest] = [3 / 4, 4 / 3] } = view;
  const draws = stream.child("part").uniform([TRIES, 4]);
  for (let k = 0; k < TRIES; k++) {
    const [area = 0, shape = 0, right = 0, down = 0] = draws.subarray(4 * k, 4 * k + 4);
    const pixels = width * height * (smallest + (largest - smallest) * area);
    const ratio = Math.exp(Math.log(narrowest) + Math.log(widest / narrowest) * shape);
    const w = roundEven(Math.sqrt(pixels * ratio));
    const h = roundEven(Math.sqrt(pixels / ratio));
    if (w < 1 || h < 1 || w > width || h > height) continue;
    const left = Math.floor(right * (width - w + 1));
    const top = Math.floor(down * (height - h + 1));
    return { left, top, width: w, height: h };
  }
  const ratio = width / height;
  const w = ratio > widest ? roundEven(height * widest) : width;
  const h = ratio < narrowest ? roundEven(width / narrowest) : height;
  return { left: Math.floor((width - w) / 2), top: Math.floor((height - h) / 2), width: w, height: h };
}

/** As Python rounds: halves to the even neighbour. */
function roundEven(value: number): number {
  const low = Math.floor(value);
  return value - low === 0.5 ? low + low % 2 : Math.round(value);
}
