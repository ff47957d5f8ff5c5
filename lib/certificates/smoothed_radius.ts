import { clopperPearson, normalQuantile } from "../core/mod.ts";
import { smoothing } from "./smoothing_spec.ts";

/** What draws of noise say about a smoothed classifier at one image. */
export interface SmoothedRadius {
  /** Lower bound of the probability of the class, which holds with probability 1 - alpha. */
  readonly pLow: number;
  /** Radius of the L2 ball in pixel units in which the class cannot change; 0 where pLow is at most 1/2. */
  readonly radius: number;
}

/**
 * The certified radius of randomised smoothing: R = sigma Phi^-1(pLow), where pLow is the one-sided Clopper-Pearson bound
 * of the probability of a class that came `count` times in n draws. The ball is that of the norm L2, not cut to [0,1].
 *
 * Source: Cohen, Rosenfeld, Kolter, "Certified adversarial robustness via randomized smoothing" (2019), theorem 1 with
 * an upper bound 1 - pLow for all other classes together (section 3.2.2).
 *
 * @param count Draws that were given the class.
 * @param n Draws in all; none of them may have chosen the class.
 * @param sigma Standard deviation of the noise in pixel units.
 * @param alpha Probability that the bound does not hold.
 * @returns The bound and the radius.
 * @throws {UsageError} If sigma or alpha is out of range.
 * @throws {RangeError} If the counts are.
 */
export function smoothedRadius(count: number, n: number, sigma: number, alpha: number): SmoothedRadius {
  smoothing({ sigma, alpha });
  const pLow = clopperPearson(count, n, 1 - 2 * alpha).low;
  return { pLow, radius: pLow > 0.5 ? sigma * normalQuantile(pLow) : 0 };
}
