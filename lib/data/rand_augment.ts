import { float32, type Rng, UsageError } from "../core/mod.ts";
import type { Batch } from "./dataset.ts";
import { IMAGE_OPERATIONS, imageOperation, type ImageShape, LARGEST_MAGNITUDE } from "./image_operation.ts";

/** Random operations on each image. */
export interface RandAugmentSpec {
  /** Operations per image, each drawn from all. @default {2} */
  readonly n?: number;
  /** Strength of all operations, an integer from 0 to 30. @default {9} */
  readonly magnitude?: number;
}

/**
 * RandAugment: n operations in a row on every image, each of the 14 equally likely, with a random sign where it has
 * directions. What happens to an image depends on the stream and its id alone. Pixels are rounded to bytes.
 *
 * Source: Cubuk, Zoph, Shlens, Le, "RandAugment: practical automated data augmentation with a reduced search space"
 * (2020), section 3; defaults and strengths as `torchvision.transforms.RandAugment` (0.28) has them.
 *
 * @param batch The batch, x of shape [B, H, W, C], C 1 or 3.
 * @param spec How many, and how strong.
 * @param stream Random numbers of this epoch.
 * @returns A batch with new pixels.
 * @throws {UsageError} If n or the magnitude is out of its range.
 */
export function randAugment(batch: Batch, spec: RandAugmentSpec, stream: Rng): Batch {
  const { n = 2, magnitude = 9 } = spec;
  checkRandAugment(spec);
  const shape = batch.x.shape.slice(1) as unknown as ImageShape;
  const size = shape[0] * shape[1] * shape[2];
  const to = new Float32Array(batch.x.data.length);
  batch.ids.forEach((id, i) => {
    const draws = stream.child(id).uniform(2 * n);
    let image = Uint8Array.from(batch.x.data.subarray(i * size, (i + 1) * size), (pixel) => Math.round(pixel * 255));
    for (let k = 0; k < n; k++) {
      const operation = IMAGE_OPERATIONS[Math.floor(draws[2 * k]! * IMAGE_OPERATIONS.length)]!;
      image = imageOperation(operation, image, shape, (draws[2 * k + 1]! < 0.5 ? -1 : 1) * magnitude);
    }
    for (let at = 0; at < size; at++) to[i * size + at] = image[at]! / 255;
  });
  return { ...batch, x: float32(batch.x.shape, to) };
}

/**
 * Checks random operations.
 *
 * @param spec The spec.
 * @throws {UsageError} If n is no integer of at least 1, or the magnitude none from 0 to 30.
 */
export function checkRandAugment({ n = 2, magnitude = 9 }: RandAugmentSpec): void {
  if (!Number.isInteger(n) || n < 1) {
    throw new UsageError(`Cannot vary images by ${n} operations: write an integer of at least 1`);
  }
  if (!Number.isInteger(magnitude) || magnitude < 0 || magnitude > LARGEST_MAGNITUDE) {
    throw new UsageError(`Cannot vary images with the magnitude ${magnitude}: write an integer from 0 to 30`);
  }
}
