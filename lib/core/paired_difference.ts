import { wilson } from "./interval.ts";

/** On how many images two classifiers are right, and which of them. */
export interface PairedCounts {
  /** Both are right. */
  readonly both: number;
  /** Only the first is. */
  readonly onlyFirst: number;
  /** Only the second is. */
  readonly onlySecond: number;
  /** None is. */
  readonly neither: number;
}

/** A difference of two rates on the same images, with its confidence interval. */
export interface Difference {
  /** Rate of the first less that of the second. */
  readonly difference: number;
  /** Lower end, >= -1. */
  readonly low: number;
  /** Upper end, <= 1. */
  readonly high: number;
}

/**
 * The difference of two rates on the same images, with Newcombe's paired score interval ("square and add"): with rates
 * p1, p2, their Wilson intervals [l1, u1], [l2, u2] and the correlation phi of the two outcomes,
 *
 * p1 - p2 - sqrt((p1-l1)^2 - 2 phi (p1-l1)(u2-p2) + (u2-p2)^2) to
 * p1 - p2 + sqrt((u1-p1)^2 - 2 phi (u1-p1)(p2-l2) + (p2-l2)^2).
 *
 * A positive phi is corrected for continuity (n/2 is taken from the numerator, down to 0), and it is 0 where one of the
 * classifiers is always right or always wrong.
 *
 * Source: Newcombe, "Improved confidence intervals for the difference between binomial proportions based on paired
 * data" (1998), method 10.
 *
 * @param counts Counts of images, at least one in all.
 * @param confidence Probability that the interval covers the true difference.
 * @returns The difference and the ends of its interval.
 * @throws {RangeError} If there is no image, or a count or the confidence is out of range.
 */
export function pairedDifference(counts: PairedCounts, confidence = 0.95): Difference {
  const { both, onlyFirst, onlySecond, neither } = counts;
  const n = both + onlyFirst + onlySecond + neither;
  for (const count of [both, onlyFirst, onlySecond, neither]) {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new RangeError(`Cannot compare with a count of ${count}: it needs an integer of 0 or more`);
    }
  }
  const first = both + onlyFirst;
  const second = both + onlySecond;
  const a = wilson(first, n, confidence);
  const b = wilson(second, n, confidence);
  const margins = first * (n - first) * (second * (n - second));
  const raw = both * neither - onlyFirst * onlySecond;
  const phi = margins === 0 ? 0 : (raw > 0 ? Math.max(raw - n / 2, 0) : raw) / Math.sqrt(margins);
  const add = (x: number, y: number): number => Math.sqrt(Math.max(0, x * x - 2 * phi * x * y + y * y));
  const difference = (onlyFirst - onlySecond) / n;
  return {
    difference,
    low: Math.max(-1, difference - add(a.rate - a.low, b.high - b.rate)),
    high: Math.min(1, difference + add(a.high - a.rate, b.rate - b.low)),
  };
}
