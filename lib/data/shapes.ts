import { rng, UsageError } from "../core/mod.ts";
import type { TrainAndTest } from "./cifar10.ts";
import type { Dataset } from "./dataset.ts";

/** How strong the cues and the nuisances of {@linkcode shapes} are, in pixel units (1 is the range of a pixel). */
export interface ShapesParameters {
  /**
   * Largest difference of brightness between a shape and its background; each image draws one between half and all of
   * it, of either sign.
   *
   * @default {0.6}
   */
  readonly shapeContrast: number;
  /**
   * Amplitude of the class's texture; 0 for none.
   *
   * @default {3 / 255}
   */
  readonly textureAmplitude: number;
  /**
   * Standard deviation of the noise of every pixel.
   *
   * @default {0.02}
   */
  readonly noise: number;
  /**
   * Largest difference of brightness across the background, which fades in a random direction.
   *
   * @default {0.15}
   */
  readonly gradient: number;
  /**
   * Largest tint of the shape and of the background in each channel.
   *
   * @default {0.05}
   */
  readonly tint: number;
}

/** What {@linkcode shapes} makes. */
export interface ShapesOptions {
  /** Seed of everything. */
  readonly seed: number;
  /** Number of training images. */
  readonly train: number;
  /** Number of test images. */
  readonly test: number;
  /**
   * Height and width of an image in pixels, a multiple of 4, at least 12.
   *
   * @default {16}
   */
  readonly size?: number;
  /** Strengths of the cues; what is omitted has its default. */
  readonly parameters?: Partial<ShapesParameters>;
}

/** Names of the classes of {@linkcode shapes}, in the order of the labels. */
export const SHAPES_CLASSES: readonly string[] = [
  "disk",
  "ring",
  "square",
  "frame",
  "triangle",
  "plus",
  "cross",
  "rows",
  "columns",
  "crescent",
];

/** The strengths that {@linkcode shapes} uses where none are given. */
export const SHAPES_PARAMETERS: ShapesParameters = {
  shapeContrast: 0.6,
  textureAmplitude: 3 / 255,
  noise: 0.02,
  gradient: 0.15,
  tint: 0.05,
};

/** Id of the first test image; those of training images begin at 0. */
const FIRST_TEST_ID = 1_000_000;

/**
 * Ten classes of small images that a program draws, made to show what adversarial robustness is about. Each image has
 * two cues of its class:
 * - a robust one, its shape: clearly visible, at a random place, size, turn, brightness and contrast. A change of every
 *   pixel by 8/255 cannot hide it.
 * - a fragile one, its texture: a fixed chequered pattern of the class, of opposite sign in two colour channels and
 *   only 3/255 strong. No eye sees it and it tells the class almost without error, but a change of every pixel by 8/255
 *   can erase it or put another class's in its place.
 *
 * Natural training leans on the fragile cue and falls to attacks; robust training has to learn the shapes.
 *
 * Source: the idea of predictive but non-robust features is of Ilyas, Santurkar, Tsipras, Engstrom, Tran, Madry,
 * "Adversarial examples are not bugs, they are features" (2019), section 2.
 *
 * @param options Seed, numbers, size and strengths.
 * @returns Training images (ids from 0) and test images (ids from 1,000,000). An image depends on the seed, its id,
 *   the size and the strengths alone, so larger sets begin with the smaller ones. Its class is its id modulo 10.
 * @throws {UsageError} If a number, the size or a strength is out of range.
 */
export function shapes(options: ShapesOptions): TrainAndTest {
  const { seed, train, test, size = 16 } = options;
  const parameters = { ...SHAPES_PARAMETERS, ...options.parameters };
  check(train, test, size, parameters);
  return {
    train: draw(`shapes-${size} train`, seed, 0, train, size, parameters),
    test: draw(`shapes-${size} test`, seed, FIRST_TEST_ID, test, size, parameters),
  };
}

/**
 * The textures of the classes of {@linkcode shapes}: products of a Walsh pattern of period 4 and a pair of opposite
 * colours, all orthogonal to one another and to grey.
 *
 * @param seed Seed of the data set; it shuffles which class has which.
 * @param size Height and width of an image in pixels.
 * @returns For each class, [H, W, 3] values of -1, 0 and 1.
 */
export function shapesTextures(seed: number, size: number): readonly Float32Array[] {
  const order = rng(seed, "shapes", "textures").permutation(SHAPES_CLASSES.length);
  return SHAPES_CLASSES.map((_, label) => {
    const [vertical = 0, horizontal = 0] = PATTERNS[order[label]!]!;
    const texture = new Float32Array(size * size * 3);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        const value = WALSH[vertical]![i % 4]! * WALSH[horizontal]![j % 4]!;
        texture[(i * size + j) * 3] = value;
        texture[(i * size + j) * 3 + 2] = -value;
      }
    }
    return texture;
  });
}

/** Walsh functions of length 4 by their number of sign changes. */
const WALSH = [[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, -1, 1], [1, -1, 1, -1]] as const;

/** Numbers of sign changes down and across, of the ten fastest patterns. */
const PATTERNS = [[3, 3], [3, 2], [2, 3], [2, 2], [3, 1], [1, 3], [3, 0], [0, 3], [2, 1], [1, 2]] as const;

function draw(
  name: string,
  seed: number,
  firstId: number,
  n: number,
  size: number,
  parameters: ShapesParameters,
): Dataset {
  const stream = rng(seed, "shapes", "image");
  const textures = shapesTextures(seed, size);
  const pixels = size * size;
  const ids = Int32Array.from({ length: n }, (_, i) => firstId + i);
  const labels = ids.map((id) => id % SHAPES_CLASSES.length);
  const images = new Uint8Array(n * pixels * 3);
  for (let i = 0; i < n; i++) {
    const own = stream.child(ids[i]!);
    const texture = textures[labels[i]!]!;
    const noise = own.normal(pixels * 3, 0, parameters.noise);
    const scene = sceneOf(own.uniform(16, -1, 1), size, parameters);
    const inside = DISTANCES[labels[i]!]!;
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        const y = row + 0.5 - scene.y;
        const x = column + 0.5 - scene.x;
        const u = (scene.cos * x + scene.sin * y) / scene.radius;
        const v = (scene.cos * y - scene.sin * x) / scene.radius;
        // The share of the pixel that the shape covers, from the distance to its edge in pixels.
        const cover = Math.min(1, Math.max(0, 0.5 - inside(u, v) * scene.radius));
        const back = scene.brightness + scene.right * (column / size - 0.5) + scene.down * (row / size - 0.5);
        for (let c = 0; c < 3; c++) {
          const k = (row * size + column) * 3 + c;
          const value = back + scene.backTint[c]! + cover * (scene.contrast + scene.shapeTint[c]!) + noise[k]! +
            parameters.textureAmplitude * texture[k]!;
          images[i * pixels * 3 + k] = Math.min(255, Math.max(0, Math.round(value * 255)));
        }
      }
    }
  }
  return { name, classes: SHAPES_CLASSES, imageShape: [size, size, 3], ids, images, labels };
}

/** What varies between images of a class. */
interface Scene {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly cos: number;
  readonly sin: number;
  readonly brightness: number;
  readonly contrast: number;
  readonly right: number;
  readonly down: number;
  readonly backTint: readonly number[];
  readonly shapeTint: readonly number[];
}

/** A scene from 16 uniform numbers in [-1, 1). */
function sceneOf(random: Float32Array, size: number, parameters: ShapesParameters): Scene {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, ...tints] = random;
  const radius = size * (0.31 + 0.06 * a);
  const room = size / 2 - radius;
  const turn = 0.26 * b;
  const contrast = Math.sign(e) * parameters.shapeContrast * (0.75 + 0.25 * f);
  return {
    x: size / 2 + room * c,
    y: size / 2 + room * d,
    radius,
    cos: Math.cos(turn),
    sin: Math.sin(turn),
    // Background and shape lie on either side of about the middle, so that few pixels are clipped.
    brightness: 0.5 - contrast / 2 + 0.04 * g,
    contrast,
    right: parameters.gradient * Math.cos(Math.PI * h),
    down: parameters.gradient * Math.sin(Math.PI * h),
    backTint: tints.slice(0, 3).map((tint) => parameters.tint * tint),
    shapeTint: tints.slice(3, 6).map((tint) => parameters.tint * tint),
  };
}

/** Signed distance (or nearly) to the edge of each class's shape, negative inside, in units of its radius. */
const DISTANCES: readonly ((u: number, v: number) => number)[] = [
  (u, v) => Math.hypot(u, v) - 0.9,
  (u, v) => Math.abs(Math.hypot(u, v) - 0.75) - 0.2,
  (u, v) => box(u, v, 0.8, 0.8),
  (u, v) => Math.abs(box(u, v, 0.68, 0.68)) - 0.18,
  (u, v) => Math.max(Math.abs(u) * 0.894 - (v + 0.9) * 0.447, v - 0.75),
  (u, v) => Math.min(box(u, v, 0.95, 0.22), box(u, v, 0.22, 0.95)),
  (u, v) => {
    const s = (u + v) * Math.SQRT1_2;
    const t = (u - v) * Math.SQRT1_2;
    return Math.min(box(s, t, 1.1, 0.22), box(s, t, 0.22, 1.1));
  },
  (u, v) => box(u, Math.abs(v) - 0.55, 0.95, 0.25),
  (u, v) => box(Math.abs(u) - 0.55, v, 0.25, 0.95),
  (u, v) => Math.max(Math.hypot(u, v) - 0.95, 0.72 - Math.hypot(u - 0.5, v)),
];

function box(u: number, v: number, width: number, height: number): number {
  return Math.max(Math.abs(u) - width, Math.abs(v) - height);
}

function check(train: number, test: number, size: number, parameters: ShapesParameters): void {
  for (const [what, n] of [["train", train], ["test", test]] as const) {
    if (!Number.isInteger(n) || n < 0 || n > FIRST_TEST_ID) {
      throw new UsageError(`Cannot draw ${n} ${what} images: write an integer from 0 to ${FIRST_TEST_ID}`);
    }
  }
  if (!Number.isInteger(size) || size < 12 || size % 4 !== 0) {
    throw new UsageError(`Cannot draw images of size ${size}: write a multiple of 4 of at least 12`);
  }
  for (const [name, value] of Object.entries(parameters)) {
    if (!(value >= 0 && value <= 1)) {
      throw new UsageError(`Cannot use ${value} as ${name} of shapes: write a number from 0 to 1, in pixel units`);
    }
  }
}
