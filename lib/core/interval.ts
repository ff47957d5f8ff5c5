import { normalQuantile } from "./normal.ts";

/** A rate with its confidence interval. */
export interface Interval {
  /** correct / n. */
  readonly rate: number;
  /** Lower end, >= 0. */
  readonly low: number;
  /** Upper end, <= 1. */
  readonly high: number;
}

/**
 * The score interval of a rate: with p = correct/n and the normal quantile z of the confidence,
 * (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n).
 *
 * Source: Wilson, "Probable inference, the law of succession, and statistical inference" (1927), equation 6.
 * Differs from p -+ z sqrt(p(1-p)/n) in being sound near rates of 0 and 1, where robust accuracies lie.
 *
 * @param correct Number of successes, 0 <= correct <= n.
 * @param n Number of trials, n >= 1.
 * @param confidence Probability that the interval covers the true rate, strictly between 0 and 1.
 * @returns The rate and the ends of its interval.
 * @throws {RangeError} If there is no trial, or a count or the confidence is out of range.
 */
export function wilson(correct: number, n: number, confidence = 0.95): Interval {
  if (!Number.isInteger(n) || n < 1) {
    throw new RangeError(`Cannot give a rate over ${n} images: it needs at least one`);
  }
  if (!Number.isInteger(correct) || correct < 0 || correct > n) {
    throw new RangeError(`Cannot give a rate of ${correct} in ${n}: it needs a count from 0 to ${n}`);
  }
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`Cannot use ${confidence} as a confidence: it needs a number between 0 and 1`);
  }
  const rate = correct / n;
  const z = normalQuantile((1 + confidence) / 2);
  const centre = rate + z * z / (2 * n);
  const spread = z * Math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n));
  const scale = 1 + z * z / n;
  // At 0 and n the formula gives exactly 0 and 1, which rounding would miss by 1e-17.
  const low = correct === 0 ? 0 : Math.max(0, (centre - spread) / scale);
  const high = correct === n ? 1 : Math.min(1, (centre + spread) / scale);
  return { rate, low, high };
}
