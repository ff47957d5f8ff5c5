import type { NdArray, Rng } from "../core/mod.ts";
import type { Classifier } from "../models/mod.ts";
import { stack } from "./_stack.ts";

/**
 * What a classifier with random outputs draws for one forward pass of a batch, each image by its own stream.
 *
 * @param classifier The classifier.
 * @param ids Image ids [B].
 * @param rng Stream of the pass; each image draws from its child of the image's id.
 * @returns Arrays [B, ...] as the third argument of `classifier.logits`; nothing where its outputs are not random.
 */
export function drawNoise(
  { noise }: Pick<Classifier, "noise">,
  ids: Int32Array,
  rng: Rng,
): { readonly noise?: readonly NdArray[] } {
  return noise === undefined ? {} : { noise: stack(Array.from(ids, (id) => noise(rng.child(id)))) };
}
