import { UsageError } from "../core/mod.ts";
import { add, mean, mul, reshape } from "../engine/mod.ts";
import { crossEntropy } from "../losses/mod.ts";
import type { Objective } from "./objective.ts";

/** Cross-entropy on images under Gaussian noise. */
export interface GaussianNoiseSpec {
  /** Discriminates the objectives. */
  readonly kind: "gaussianNoise";
  /** Standard deviation of the noise in pixel units. */
  readonly sigma: number;
}

/**
 * Training of the base classifier of a smoothed one: ce = mean_i CE(f_S(x_i + sigma n_i), y_i), n_i normal, drawn for
 * each image and step, not clipped to [0,1].
 *
 * Source: Lecuyer et al. (2019), "Certified robustness to adversarial examples with differential privacy"; Cohen,
 * Rosenfeld, Kolter (2019), "Certified adversarial robustness via randomized smoothing", section 3.3.
 */
export const gaussianNoise: Objective<GaussianNoiseSpec> = {
  termNames: () => ["ce"],
  needs: () => [],
  passes: () => ({ studentForward: 1, studentBackward: 1, teacherForward: 0, teacherBackward: 0 }),
  check({ sigma }) {
    if (!(sigma > 0 && sigma < Infinity)) {
      throw new UsageError(`Cannot train under noise of sigma = ${sigma}: write a number above 0, such as 0.25`);
    }
  },
  noise: (_spec, { inputShape: [height, width, channels] }, rng) => rng.normal(height * width * channels),
  losses({ student }, { x, y }, { sigma }, { noise }) {
    if (noise === undefined) throw new TypeError("Cannot train under noise without any: give the context some");
    return { terms: { ce: mean(crossEntropy(student(add(x, mul(reshape(noise, x.shape), sigma))), y)) } };
  },
};

/** Gaussian augmentation at the sigma that Cohen et al. (2019) use most on CIFAR-10. */
export const GAUSSIAN_NOISE: GaussianNoiseSpec = { kind: "gaussianNoise", sigma: 0.25 };
