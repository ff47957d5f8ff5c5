import { DataError, type NdArray, UsageError } from "../core/mod.ts";
import type { Classifier } from "../models/mod.ts";
import type { CertifiedNorm } from "./bound_spec.ts";

/** Images that are asked about. */
export interface AskedImages {
  /** Pixels [n, H, W, C]. */
  readonly x: NdArray<"float32">;
  /** Classes [n]. */
  readonly y: NdArray<"int32">;
  /** Norm of the balls. */
  readonly norm: CertifiedNorm;
}

/**
 * Checks images whose margins are asked for, and the norm of their balls.
 *
 * @throws {UsageError} If the classifier is random, or the norm is none that is covered.
 * @throws {DataError} If images do not fit the classifier, or a pixel or class is out of range.
 */
export function checkImages(classifier: Classifier, { x, y, norm }: AskedImages): void {
  if (classifier.noise !== undefined) {
    throw new UsageError("Cannot bound a classifier with random outputs: bound the network inside it");
  }
  if (norm !== "Linf" && norm !== "L2") {
    throw new UsageError(`Cannot bound margins in the norm ${JSON.stringify(norm)}: it needs Linf or L2`);
  }
  checkShape("bound the margins of", classifier, x, y.data.length);
  const pixel = x.data.findIndex((value) => !(value >= 0 && value <= 1));
  if (pixel !== -1) throw new DataError(`Cannot use the pixel ${x.data[pixel]}: pixels are in [0, 1]`);
  checkClasses(classifier, y.data);
}

/**
 * Checks that n images have the shape that a classifier takes.
 *
 * @param purpose What they are for, for the message.
 * @throws {DataError} If they do not.
 */
export function checkShape(purpose: string, { inputShape }: Classifier, { shape }: NdArray, n: number): void {
  if (shape.join() === [n, ...inputShape].join()) return;
  throw new DataError(
    `Cannot ${purpose} images of shape [${shape}] with ${n} classes: the classifier takes [${n},${inputShape}]`,
  );
}

/**
 * Checks that every class is one of a classifier's.
 *
 * @throws {DataError} If one is not.
 */
export function checkClasses({ classes }: Classifier, labels: ArrayLike<number>): void {
  const bad = Array.from(labels).find((label) => !(label >= 0 && label < classes));
  if (bad !== undefined) throw new DataError(`Cannot use the class ${bad}: the classifier has ${classes}`);
}
