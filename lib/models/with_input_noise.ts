import { float32, sizeOf, UsageError } from "../core/mod.ts";
import { add } from "../engine/mod.ts";
import type { Classifier } from "./model.ts";
import { given, judgedOver } from "./_randomness.ts";

/** How a classifier with noise on its pixels draws and is judged. */
export interface InputNoise {
  /** Standard deviation in pixel units. */
  readonly sigma: number;
  /** Draws over which the classifier is judged. @default {64} */
  readonly draws?: number;
}

/**
 * A classifier that adds Gaussian noise to the pixels at every forward pass: f(x + sigma n), n normal and drawn anew for
 * each image and pass. The sum is not clipped. The simplest randomised defence, and what randomised smoothing votes on.
 *
 * Around a classifier that is random itself, both draw. Every call gives another classifier, whose programs are compiled
 * anew: make it once.
 *
 * @param classifier The classifier without this noise; its weights stay its owner's.
 * @param options Strength of the noise.
 * @returns The classifier with noise.
 * @throws {UsageError} If sigma is not a number above 0, or the draws are not a positive integer.
 *
 * Source: Liu et al., "Towards robust neural networks via random self-ensemble" (2018), on the input layer alone; Cohen,
 * Rosenfeld, Kolter, "Certified adversarial robustness via randomized smoothing" (2019), equation 1, for the noise.
 */
export function withInputNoise(classifier: Classifier, { sigma, draws }: InputNoise): Classifier {
  if (!(Number.isFinite(sigma) && sigma > 0)) {
    throw new UsageError(`Cannot add noise of sigma = ${sigma} to pixels: write a number above 0, such as 0.1`);
  }
  const { inputShape } = classifier;
  return {
    ...classifier,
    ...judgedOver(draws),
    noise: (rng) => [
      float32(inputShape, rng.child("pixels").normal(sizeOf(inputShape), 0, sigma)),
      ...classifier.noise?.(rng.child("inner")) ?? [],
    ],
    logits: (weights, x, noise) => {
      const [pixels, ...inner] = given(noise);
      return classifier.logits(weights, add(x, pixels!), inner);
    },
  };
}
