import { float32, type Rng } from "../core/mod.ts";
import type { Batch } from "./dataset.ts";
import type { RandAugmentSpec } from "./rand_augment.ts";

/** How training images are varied. */
export interface AugmentSpec {
  /** Zeros added on every side before an image of the old size is cut out, in pixels; 0 for no shift. */
  readonly pad: number;
  /** Whether every second image, at random, is mirrored left to right. */
  readonly flip: boolean;
  /** Random operations on the colours and the form of each image, after that. @default {none} */
  readonly randAugment?: RandAugmentSpec;
}

/** The augmentation that is usual for CIFAR: 4 pixels and a flip. */
export const CROP_AND_FLIP: AugmentSpec = { pad: 4, flip: true };

/**
 * Shifts and mirrors the images of a batch at random. What happens to an image depends on the stream and its id alone,
 * not on its place in the batch.
 *
 * Source: He, Zhang, Ren, Sun, "Deep residual learning for image recognition" (2016), section 4.2.
 *
 * @param batch The batch, x of shape [B, H, W, C].
 * @param spec How far, and whether to mirror.
 * @param stream Random numbers of this epoch: `rng(seed, "augment", epoch)`.
 * @returns A batch with new pixels.
 * @throws {RangeError} If `pad` is not an integer of 0 or more.
 */
export function cropAndFlip(batch: Batch, spec: AugmentSpec, stream: Rng): Batch {
  const { pad, flip } = spec;
  if (!Number.isInteger(pad) || pad < 0) {
    throw new RangeError(`Cannot pad images by ${pad} pixels: it needs an integer of 0 or more`);
  }
  const [, height = 0, width = 0, channels = 0] = batch.x.shape;
  const from = batch.x.data;
  const to = new Float32Array(from.length);
  batch.ids.forEach((id, i) => {
    const [u = 0, v = 0, w = 0] = stream.child(id).uniform(3);
    const down = Math.floor(u * (2 * pad + 1)) - pad;
    const right = Math.floor(v * (2 * pad + 1)) - pad;
    const mirrored = flip && w < 0.5;
    const first = Math.max(0, right);
    const last = Math.min(width, width + right);
    for (let row = Math.max(0, down); row < Math.min(height, height + down); row++) {
      const source = (i * height + row - down) * width;
      const target = (i * height + row) * width;
      if (!mirrored) {
        to.set(
          from.subarray((source + first - right) * channels, (source + last - right) * channels),
          (target + first) * channels,
        );
        continue;
      }
      for (let column = first; column < last; column++) {
        const a = (source + column - right) * channels;
        const b = (target + width - 1 - column) * channels;
        for (let c = 0; c < channels; c++) to[b + c] = from[a + c]!;
      }
    }
  });
  return { ...batch, x: float32(batch.x.shape, to) };
}
