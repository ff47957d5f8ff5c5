/** What can be done to an image without changing what it shows. */
export type ImageOperation =
  | "identity"
  | "shearX"
  | "shearY"
  | "translateX"
  | "translateY"
  | "rotate"
  | "brightness"
  | "color"
  | "contrast"
  | "sharpness"
  | "posterize"
  | "solarize"
  | "autoContrast"
  | "equalize";

/** Height, width and channels (1 or 3) of an image. */
export type ImageShape = readonly [height: number, width: number, channels: number];

type Bytes = Uint8Array<ArrayBuffer>;
type Operation = (image: Uint8Array, shape: ImageShape, amount: number) => Bytes;

/** How an amount follows from a magnitude: its largest value, and whether its sign is random. */
interface Scale {
  readonly signed: boolean;
  readonly apply: Operation;
  /** Amount at a magnitude. */
  readonly amount: (magnitude: number, shape: ImageShape) => number;
}

/** Largest magnitude of {@linkcode imageOperation}: there are 31. */
export const LARGEST_MAGNITUDE = 30;

const f = Math.fround;
/** Equal steps from 0 in float32, counted from the nearer end as `torch.linspace` does. */
const steps = (largest: number, magnitude: number): number => {
  const step = f(f(largest) / LARGEST_MAGNITUDE);
  const left = LARGEST_MAGNITUDE - magnitude;
  return magnitude < left ? f(step * magnitude) : f(f(largest) - step * left);
};
const signed = (largest: number, apply: Operation): Scale => ({
  signed: true,
  apply,
  amount: (magnitude) => steps(largest, magnitude),
});
const fixed = (apply: Operation): Scale => ({ signed: false, apply, amount: () => 0 });

const TABLE: { readonly [O in ImageOperation]: Scale } = {
  identity: fixed((image) => Uint8Array.from(image)),
  shearX: signed(0.3, (image, shape, by) => moved(image, shape, (row, column) => [row, column + by * (row + 0.5)])),
  shearY: signed(0.3, (image, shape, by) => moved(image, shape, (row, column) => [row + by * (column + 0.5), column])),
  translateX: {
    ...signed(0, (image, shape, by) => moved(image, shape, (row, column) => [row, column - Math.trunc(by)])),
    amount: (magnitude, [, width]) => steps(150 / 331 * width, magnitude),
  },
  translateY: {
    ...signed(0, (image, shape, by) => moved(image, shape, (row, column) => [row - Math.trunc(by), column])),
    amount: (magnitude, [height]) => steps(150 / 331 * height, magnitude),
  },
  rotate: signed(30, rotate),
  brightness: signed(0.9, (image, _, by) => blend(image, () => 0, 1 + by)),
  color: signed(0.9, (image, shape, by) => {
    const grey = greyOf(image, shape);
    return shape[2] === 1 ? Uint8Array.from(image) : blend(image, (i) => grey[Math.floor(i / shape[2])]!, 1 + by);
  }),
  contrast: signed(0.9, (image, shape, by) => {
    const grey = greyOf(image, shape);
    const mean = f(grey.reduce((sum, value) => sum + value, 0) / grey.length);
    return blend(image, () => mean, 1 + by);
  }),
  sharpness: signed(0.9, (image, shape, by) => {
    const soft = softened(image, shape);
    return blend(image, (i) => soft[i]!, 1 + by);
  }),
  posterize: {
    signed: false,
    apply: (image, _, bits) => Uint8Array.from(image, (value) => value & (256 - 2 ** (8 - bits))),
    amount: (magnitude) => 8 - Math.round(4 * magnitude / LARGEST_MAGNITUDE),
  },
  solarize: {
    signed: false,
    apply: (image, _, threshold) => Uint8Array.from(image, (value) => value < threshold ? value : 255 - value),
    amount: (magnitude) => 255 - 8.5 * magnitude,
  },
  autoContrast: fixed((image, shape) => perChannel(image, shape, stretched)),
  equalize: fixed((image, shape) => perChannel(image, shape, equalised)),
};

/** All operations, in the order of torchvision's table. */
export const IMAGE_OPERATIONS = Object.keys(TABLE) as readonly ImageOperation[];

/**
 * Does something to an image of bytes, pixel for pixel as torchvision does it to a tensor of bytes:
 *
 * - "shearX", "shearY": by up to 0.3 pixels per pixel from the upper left corner. "translateX", "translateY": by up to
 *   150/331 of the side, whole pixels. "rotate": by up to 30 degrees around the centre. Nearest pixels, 0 outside.
 * - "brightness", "color", "contrast", "sharpness": f image + (1 - f) other with f = 1 +- up to 0.9 and other = black,
 *   the grey image, its mean, or the softened image.
 * - "posterize": keeps the upper 8 to 4 bits. "solarize": inverts what is at least 255 down to 0.
 * - "autoContrast": stretches each channel to 0 .. 255. "equalize": levels each channel's histogram. No magnitude.
 *
 * Source: Cubuk, Zoph, Shlens, Le, "RandAugment" (2020), section 3; `torchvision.transforms.RandAugment` (0.28) and its
 * functions on tensors.
 * Differs from those where the nearest of two pixels is decided by rounding.
 *
 * @param operation What to do.
 * @param image Bytes [H, W, C].
 * @param shape Height, width and channels, 1 or 3.
 * @param magnitude How much, an integer from -30 to 30; its sign counts for the operations that have directions.
 * @returns A new image.
 * @throws {RangeError} If the image has neither 1 nor 3 channels.
 */
export function imageOperation(
  operation: ImageOperation,
  image: Uint8Array,
  shape: ImageShape,
  magnitude: number,
): Uint8Array<ArrayBuffer> {
  if (shape[2] !== 1 && shape[2] !== 3) {
    throw new RangeError(`Cannot apply "${operation}" to an image of ${shape[2]} channels: it needs 1 or 3`);
  }
  const { signed, apply, amount } = TABLE[operation];
  const size = amount(Math.abs(magnitude), shape);
  return apply(image, shape, signed && magnitude < 0 ? -size : size);
}

/** The nearest pixel of where each pixel comes from; 0 from outside. */
function moved(
  image: Uint8Array,
  [height, width, channels]: ImageShape,
  from: (row: number, column: number) => readonly [row: number, column: number],
): Bytes {
  const result = new Uint8Array(image.length);
  for (let i = 0; i < height * width; i++) {
    const [row, column] = from(Math.floor(i / width), i % width).map(roundHalfToEven) as [number, number];
    if (row < 0 || row >= height || column < 0 || column >= width) continue;
    const at = (row * width + column) * channels;
    result.set(image.subarray(at, at + channels), i * channels);
  }
  return result;
}

function roundHalfToEven(x: number): number {
  const floor = Math.floor(x);
  return x - floor === 0.5 ? floor + Math.abs(floor % 2) : Math.round(x);
}

function rotate(image: Uint8Array, shape: ImageShape, degrees: number): Bytes {
  const [cos, sin] = [Math.cos(degrees * Math.PI / 180), Math.sin(degrees * Math.PI / 180)];
  const [middle, centre] = [(shape[0] - 1) / 2, (shape[1] - 1) / 2];
  return moved(image, shape, (row, column) => {
    const [y, x] = [row - middle, column - centre];
    return [middle + sin * x + cos * y, centre + cos * x - sin * y];
  });
}

/** share image + (1 - share) other in float32, cut off to a byte. */
function blend(image: Uint8Array, other: (index: number) => number, share: number): Bytes {
  const [own, rest] = [f(share), f(1 - share)];
  return Uint8Array.from(image, (value, i) => {
    const sum = f(f(own * value) + f(rest * other(i)));
    return Math.trunc(Math.max(0, Math.min(255, sum)));
  });
}

/** The grey of each pixel, ITU-R 601. */
function greyOf(image: Uint8Array, [height, width, channels]: ImageShape): Uint8Array {
  if (channels === 1) return image;
  const [red, green, blue] = [f(0.2989), f(0.587), f(0.114)];
  return Uint8Array.from({ length: height * width }, (_, i) => {
    const [r, g, b] = [image[3 * i]!, image[3 * i + 1]!, image[3 * i + 2]!];
    return Math.trunc(f(f(f(red * r) + f(green * g)) + f(blue * b)));
  });
}

/** The mean over 3 x 3 pixels with the middle five times; the border as it is. */
function softened(image: Uint8Array, [height, width, channels]: ImageShape): Uint8Array {
  const result = image.slice();
  const line = width * channels;
  for (let row = 1; row < height - 1; row++) {
    for (let at = row * line + channels; at < (row + 1) * line - channels; at++) {
      let sum = 4 * image[at]!;
      for (const down of [-line, 0, line]) {
        for (const right of [-channels, 0, channels]) sum += image[at + down + right]!;
      }
      result[at] = Math.round(sum / 13); // never half a byte, as 13 is odd
    }
  }
  return result;
}

/** What a table says of every byte, a table for each channel. */
function perChannel(
  image: Uint8Array,
  [, , channels]: ImageShape,
  tableOf: (counts: readonly number[]) => (value: number) => number,
): Bytes {
  const tables = Array.from({ length: channels }, (_, c) => {
    const counts = new Array<number>(256).fill(0);
    for (let i = c; i < image.length; i += channels) counts[image[i]!]!++;
    return tableOf(counts);
  });
  return Uint8Array.from(image, (value, i) => tables[i % channels]!(value));
}

function stretched(counts: readonly number[]): (value: number) => number {
  const [low, high] = [counts.findIndex((count) => count > 0), counts.findLastIndex((count) => count > 0)];
  if (low === high) return (value) => value;
  const factor = f(f(1 / (high - low)) * 255);
  return (value) => Math.trunc(Math.min(255, f((value - low) * factor)));
}

function equalised(counts: readonly number[]): (value: number) => number {
  const last = counts.findLast((count) => count > 0)!;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const step = Math.floor((total - last) / 255);
  if (step === 0) return (value) => value;
  let below = 0;
  const table = counts.map((count) => {
    const level = Math.min(255, Math.floor((below + Math.floor(step / 2)) / step));
    below += count;
    return level;
  });
  table[0] = 0;
  return (value) => table[value]!;
}
