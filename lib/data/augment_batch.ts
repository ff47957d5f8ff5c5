import type { Rng } from "../core/mod.ts";
import { type AugmentSpec, cropAndFlip } from "./augment.ts";
import type { Batch } from "./dataset.ts";
import { randAugment } from "./rand_augment.ts";

/**
 * All that is asked for: {@linkcode cropAndFlip}, then {@linkcode randAugment}.
 *
 * @param batch The batch, x of shape [B, H, W, C].
 * @param spec What to do.
 * @param stream Random numbers of this epoch: `rng(seed, "augment", epoch)`.
 * @returns A batch with new pixels.
 */
export function augmentBatch(batch: Batch, spec: AugmentSpec, stream: Rng): Batch {
  const shifted = cropAndFlip(batch, spec, stream);
  return spec.randAugment === undefined ? shifted : randAugment(shifted, spec.randAugment, stream.child("operations"));
}
