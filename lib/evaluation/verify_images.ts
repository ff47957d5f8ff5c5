import { float32, int32, type NdArray, parseEps, type VerificationRow } from "../core/mod.ts";
import type { Dataset } from "../data/mod.ts";
import type { Engine } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import { margins, type Norm } from "../attacks/mod.ts";
import type { AdversarialImages } from "./adversarial_images.ts";
import { roundImages } from "./round_images.ts";

/** How images are verified. */
export interface VerifyImagesOptions {
  /** Whether the network is another one than the images were made against: then no success is claimed. */
  readonly transfer: boolean;
  /** Images per batch. @default {100} */
  readonly batchSize?: number;
  /** Images that the originals must be, by their ids, with their labels. @default {they are taken as they are} */
  readonly originals?: Dataset;
}

/** Margins that engines may disagree about by rounding. */
const ROUNDING = 1e-4;

/** How far a pixel of an original may lie from that of the data set, by the rounding of byte / 255. */
const PIXEL_ROUNDING = 1e-6;

/**
 * Verifies adversarial images from themselves alone, or beside the data set of their originals: each must lie in its ball and in the pixel box, and each success
 * that the evidence claims must fool the network (margin below 0; up to 1e-4 passes as another engine's rounding). The
 * network is then asked again about the images rounded to 8 bits inside the ball ({@linkcode roundImages}).
 *
 * A distance may exceed the radius by 1e-6, or by the length of a perturbation of 6e-8 in every pixel, which is
 * float32's rounding, where that is more.
 *
 * @param engine Where it runs.
 * @param classifier Who is asked: the network that was attacked, or another one (a transfer evaluation).
 * @param images The images.
 * @param options Which of both.
 * @returns Counts, and a line for each claim that does not hold.
 * @throws {DataError} If the images do not fit the network, or the originals are not of 8 bits.
 */
export async function verifyImages(
  engine: Engine,
  classifier: Classifier,
  images: AdversarialImages,
  { transfer, batchSize = 100, originals }: VerifyImagesOptions,
): Promise<VerificationRow> {
  const { method, attack, eps, norm, ids, x, margin } = images;
  const radius = parseEps(eps, Infinity);
  const claims: string[] = [];
  const size = x.data.length / ids.length;
  const slack = Math.max(1e-6, 6e-8 * lengthOf(new Float64Array(size).fill(1), norm));
  const inBox = float32(x.shape, images.xAdv.data.slice());
  ids.forEach((id, row) => {
    const distances = new Float64Array(size);
    let outside: number | undefined;
    for (let i = 0; i < size; i++) {
      const at = row * size + i;
      const pixel = inBox.data[at]!;
      if (!(pixel >= 0 && pixel <= 1)) {
        outside ??= pixel;
        inBox.data[at] = x.data[at]!;
      }
      distances[i] = pixel - x.data[at]!;
    }
    if (outside !== undefined) claims.push(`image ${id} has a pixel of ${outside}, outside of [0, 1]`);
    const distance = lengthOf(distances, norm);
    if (!(distance <= radius + slack)) {
      claims.push(`image ${id} lies ${distance} from its original in ${norm}, outside of the ball of ${eps}`);
    }
  });
  const foreign = originals === undefined ? [] : strangers(images, originals);
  claims.push(...foreign);
  const now = await ask(engine, classifier, { ...images, xAdv: inBox }, batchSize);
  const rounded = await ask(
    engine,
    classifier,
    { ...images, xAdv: roundImages(inBox, x, norm, radius) },
    batchSize,
  );
  if (!transfer) {
    ids.forEach((id, row) => {
      if (margin[row]! < 0 && !(now[row]! < ROUNDING)) {
        claims.push(`image ${id} does not fool the network (margin ${now[row]}) though the evidence says so`);
      }
    });
  }
  const holding = (values: Float32Array): number => values.filter((value) => value >= 0).length;
  return {
    method,
    attack,
    eps,
    transfer,
    n: ids.length,
    claimed: holding(margin),
    correct: holding(now),
    rounded: holding(rounded),
    originals: originals === undefined ? null : ids.length - foreign.length,
    claims,
  };
}

/** A line for each image whose original or label is not that of the data set. */
function strangers({ ids, x, y }: AdversarialImages, { name, ids: known, images, labels }: Dataset): string[] {
  const size = x.data.length / ids.length;
  const position = new Map(Array.from(known, (id, i) => [id, i]));
  const same = images.length === known.length * size;
  return Array.from(ids).flatMap((id, row) => {
    const i = position.get(id);
    if (i === undefined) return [`image ${id} is none of "${name}"`];
    if (!same) {
      return [`image ${id} has ${size} pixel values where those of "${name}" have ${images.length / known.length}`];
    }
    const differs = (pixel: number, k: number): boolean =>
      !(Math.abs(pixel - images[i * size + k]! / 255) < PIXEL_ROUNDING);
    if (x.data.subarray(row * size, (row + 1) * size).some(differs)) {
      return [`the original of image ${id} is not that of "${name}"`];
    }
    return y.data[row] === labels[i] ? [] : [`image ${id} has label ${y.data[row]} where "${name}" has ${labels[i]}`];
  });
}

function lengthOf(d: Float64Array, norm: Norm): number {
  if (norm === "Linf") return d.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (norm === "L2") return Math.sqrt(d.reduce((sum, value) => sum + value * value, 0));
  return d.reduce((sum: number, value) => sum + Math.abs(value), 0);
}

/** Margins of all images, in batches of one size, the last filled up by its first image. */
async function ask(
  engine: Engine,
  classifier: Classifier,
  { xAdv, y, ids }: AdversarialImages,
  batchSize: number,
): Promise<Float32Array> {
  const found = new Float32Array(ids.length);
  const size = Math.min(batchSize, ids.length);
  for (let from = 0; from < ids.length; from += size) {
    const rows = Array.from({ length: size }, (_, k) => from + k < ids.length ? from + k : from);
    const batch = {
      x: rowsOf(xAdv, rows),
      y: int32([size], rows.map((row) => y.data[row]!)),
      ids: Int32Array.from(rows, (row) => ids[row]!),
    };
    found.set((await margins(engine, classifier, batch)).subarray(0, Math.min(size, ids.length - from)), from);
  }
  return found;
}

function rowsOf(images: NdArray<"float32">, rows: readonly number[]): NdArray<"float32"> {
  const size = images.data.length / images.shape[0]!;
  const data = new Float32Array(rows.length * size);
  rows.forEach((row, k) => data.set(images.data.subarray(row * size, (row + 1) * size), k * size));
  return float32([rows.length, ...images.shape.slice(1)], data);
}
