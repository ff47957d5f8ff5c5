import { float32, type NdArray, type Rng, UsageError } from "../core/mod.ts";
import { matMul, reshape, type Tensor, transpose } from "../engine/mod.ts";
import { given, judgedOver } from "./_randomness.ts";
import type { Classifier } from "./model.ts";

/** How a classifier with random resizing draws and is judged. */
export interface RandomResize {
  /** Smallest share of its sides to which an image shrinks, above 0 and below 1: 0.875 keeps 28 of 32 pixels. */
  readonly smallest: number;
  /** Draws over which the classifier is judged. @default {64} */
  readonly draws?: number;
}

/**
 * A classifier that resizes each image at random and puts it at a random place on black, at every forward pass: both
 * sides shrink by one share, uniform from `smallest` to 1, with bilinear interpolation between the centres of pixels.
 *
 * Rows and columns are resized by a matrix each, which is what is drawn: x' = R x C^T for each channel.
 *
 * Around a classifier that is random itself, both draw. Every call gives another classifier, whose programs are compiled
 * anew: make it once.
 *
 * @param classifier The classifier without this transformation; its weights stay its owner's.
 * @param options How far images shrink.
 * @returns The classifier with random resizing.
 * @throws {UsageError} If the smallest share is not between 0 and 1, or the draws are not a positive integer.
 *
 * Source: Xie et al., "Mitigating adversarial effects through randomization" (2018), section 3.
 *
 * Differs from theirs in that images shrink within the size that the network takes, where theirs grow from 299 pixels to
 * a size from 299 to 330 on 331.
 */
export function withRandomResize(classifier: Classifier, { smallest, draws }: RandomResize): Classifier {
  if (!(smallest > 0 && smallest < 1)) {
    throw new UsageError(
      `Cannot resize images to a share of ${smallest} at least: write a number above 0 and below 1, such as 0.875`,
    );
  }
  const [height, width, channels] = classifier.inputShape;
  return {
    ...classifier,
    ...judgedOver(draws),
    noise: (rng) => {
      const share = rng.child("share").uniform(1, smallest, 1)[0]!;
      return [
        resizing(height, share, rng.child("rows")),
        resizing(width, share, rng.child("columns")),
        ...classifier.noise?.(rng.child("inner")) ?? [],
      ];
    },
    logits: (weights, x, noise) => {
      const [rows, columns, ...inner] = given(noise);
      const count = x.shape[0]!;
      const tall = reshape(matMul(rows!, reshape(x, [count, height, width * channels])), [-1, height, width, channels]);
      const turned = (images: Tensor) => transpose(images, [0, 2, 1, 3]);
      const wide = matMul(columns!, reshape(turned(tall), [count, width, height * channels]));
      return classifier.logits(weights, turned(reshape(wide, [-1, width, height, channels])), inner);
    },
  };
}

/** The matrix [length, length] that shrinks a line of pixels to a share of its length, at a random place on zeros. */
function resizing(length: number, share: number, rng: Rng): NdArray<"float32"> {
  const size = Math.max(Math.round(share * length), 1);
  const [place] = rng.integers(1, length - size + 1);
  const matrix = float32([length, length]);
  for (let to = 0; to < size; to++) {
    const from = Math.min(Math.max((to + 0.5) * length / size - 0.5, 0), length - 1);
    const left = Math.min(Math.floor(from), length - 2);
    const row = (place! + to) * length;
    matrix.data[row + Math.max(left, 0)]! += left < 0 ? 1 : 1 - (from - left);
    if (left >= 0) matrix.data[row + left + 1]! += from - left;
  }
  return matrix;
}
