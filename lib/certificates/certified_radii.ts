import { type CertifiedRadiusRow, DataError, float32, int32, type NdArray, sizeOf, UsageError } from "../core/mod.ts";
import type { Engine } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import { boundMargins } from "./bound_margins.ts";
import { boundName, type BoundSpec, type CertifiedNorm } from "./bound_spec.ts";

/** Images whose radii are sought, and how. */
export interface RadiusQuestion {
  /** Centres, pixels in [0,1] [n, H, W, C]. */
  readonly x: NdArray<"float32">;
  /** Classes [n]. */
  readonly y: NdArray<"int32">;
  /** Ids of the images in their data set [n]. */
  readonly ids: ArrayLike<number>;
  /** Name of the network, for the rows. */
  readonly name: string;
  /** Norm of the balls. */
  readonly norm: CertifiedNorm;
  /** How margins are bounded. */
  readonly method: BoundSpec;
  /** The largest radius that is tried, in pixel units: an image certified there gets this one. */
  readonly largest: number;
  /** How far below the largest radius that the method certifies the answer may lie. @default {largest / 256} */
  readonly tolerance?: number;
  /** Images that are bounded at once. @default {16} */
  readonly batchSize?: number;
  /** Told after each halving: how many are done of how many. */
  readonly onProgress?: (done: number, of: number) => void;
}

/**
 * The certified radius of each image by bisection: a radius at which every margin is bounded above 0, no more than the
 * tolerance below one at which some margin is not. What is certified at a radius is so at every smaller one.
 *
 * @param engine Where it runs.
 * @param classifier Whose.
 * @param question Images, norm, method, range.
 * @returns A row for each image, in their order; radius 0 and `certified` false where not even the image itself is, as
 * it is misclassified, or its margin within rounding of 0.
 * @throws {UsageError} As {@linkcode boundMargins}, or if the range or tolerance is no positive number.
 * @throws {DataError} As {@linkcode boundMargins}, or if there are not as many ids as images.
 */
export async function certifiedRadii(
  engine: Engine,
  classifier: Classifier,
  question: RadiusQuestion,
): Promise<CertifiedRadiusRow[]> {
  const { x, y, ids, name, norm, method, largest, tolerance = largest / 256, batchSize, onProgress } = question;
  for (const [what, value] of [["largest radius", largest], ["tolerance", tolerance]] as const) {
    if (!(value > 0 && Number.isFinite(value))) {
      throw new UsageError(`Cannot seek certified radii with the ${what} ${value}: write a number above 0`);
    }
  }
  const n = y.data.length;
  if (ids.length !== n) throw new DataError(`Cannot certify ${n} images with ${ids.length} ids: give one for each`);
  const size = sizeOf(classifier.inputShape);
  /** The smallest bound of a margin of some images at a radius for each. */
  const leastMargins = async (images: readonly number[], radii: readonly number[]): Promise<number[]> => {
    const pixels = new Float32Array(images.length * size);
    images.forEach((image, i) => pixels.set(x.data.subarray(image * size, (image + 1) * size), i * size));
    const bounds = await boundMargins(engine, classifier, {
      x: float32([images.length, ...classifier.inputShape], pixels),
      y: int32([images.length], images.map((image) => y.data[image]!)),
      eps: radii,
      norm,
      method,
      ...(batchSize !== undefined && { batchSize }),
    });
    return images.map((image, i) => leastMargin(bounds, i, y.data[image]!));
  };
  const every = Array.from({ length: n }, (_, image) => image);
  const low = new Array<number>(n).fill(0);
  const high = new Array<number>(n).fill(largest);
  const margins = n === 0 ? [] : await leastMargins(every, low);
  const certified = margins.map((margin) => margin > 0);
  const halvings = Math.max(1, Math.ceil(Math.log2(largest / tolerance)) + 1);
  onProgress?.(1, halvings + 1);
  for (let t = 0; t < halvings; t++) {
    // The largest radius comes first, then the middle of what is left.
    const open = every.filter((image) => certified[image] && high[image]! - low[image]! > (t === 0 ? 0 : tolerance));
    if (open.length > 0) {
      const radii = open.map((image) => t === 0 ? largest : (low[image]! + high[image]!) / 2);
      const found = await leastMargins(open, radii);
      open.forEach((image, i) => {
        if (found[i]! > 0) {
          low[image] = radii[i]!;
          margins[image] = found[i]!;
        } else high[image] = radii[i]!;
      });
    }
    onProgress?.(t + 2, halvings + 1);
  }
  return every.map((image) => ({
    method: name,
    image: ids[image]!,
    label: y.data[image]!,
    certificate: boundName(method),
    norm,
    radius: low[image]!,
    certified: certified[image]!,
    lowerMargin: margins[image]!,
  }));
}

/** The smallest of the bounds of a row but for the class's own. */
export function leastMargin({ data, shape }: NdArray, row: number, own: number): number {
  const classes = shape[1]!;
  let least = Infinity;
  for (let k = 0; k < classes; k++) if (k !== own) least = Math.min(least, data[row * classes + k]!);
  return least;
}
