import type { Interval } from "./interval.ts";

/**
 * The exact interval of a rate: `low` solves P(X >= correct) = (1 - confidence) / 2 and `high` solves
 * P(X <= correct) = (1 - confidence) / 2 for X ~ Binomial(n, p); it covers the true rate with at least the confidence.
 * A one-sided bound that holds with probability 1 - alpha is an end of the interval of confidence 1 - 2 alpha.
 *
 * The tail is the regularised incomplete beta function, P(X >= k) = I_p(k, n - k + 1), by its continued fraction, and is
 * inverted by bisection; of the last two numbers the outer one is taken.
 *
 * Source: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial"
 * (1934); Abramowitz and Stegun, "Handbook of Mathematical Functions" (1964), equations 26.5.8 and 26.5.24.
 *
 * @param correct Number of successes, 0 <= correct <= n.
 * @param n Number of trials, 1 <= n <= 10^8.
 * @param confidence Strictly between 0 and 1.
 * @returns The rate and the ends of its interval, to about 1e-9 of the distance of an end to the nearer of 0 and 1.
 * @throws {RangeError} If there is no trial, or a count or the confidence is out of range.
 */
export function clopperPearson(correct: number, n: number, confidence = 0.95): Interval {
  if (!Number.isInteger(n) || n < 1 || n > 1e8) {
    throw new RangeError(`Cannot give a rate over ${n} trials: it needs an integer from 1 to 10^8`);
  }
  if (!Number.isInteger(correct) || correct < 0 || correct > n) {
    throw new RangeError(`Cannot give a rate of ${correct} in ${n}: it needs a count from 0 to ${n}`);
  }
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`Cannot use ${confidence} as a confidence: it needs a number between 0 and 1`);
  }
  const tail = (1 - confidence) / 2;
  return { rate: correct / n, low: lowerEnd(correct, n, tail), high: 1 - lowerEnd(n - correct, n, tail) };
}

/** The largest number p that the bisection reaches with P(X >= k) <= tail. */
function lowerEnd(k: number, n: number, tail: number): number {
  if (k === 0) return 0;
  if (k === n) return tail ** (1 / n);
  let [low, high] = [0, 1];
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return low;
    if (incompleteBeta(middle, k, n - k + 1) <= tail) low = middle;
    else high = middle;
  }
}

/** I_x(a, b) for integers a, b >= 1 and 0 < x < 1. */
function incompleteBeta(x: number, a: number, b: number): number {
  // The fraction converges fast on this side of the mean alone.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a;
  return front === 0 ? 0 : front * fraction(x, a, b);
}

/** The continued fraction 1 / (1 + d1 / (1 + d2 / (1 + ...))) by Lentz's method. */
function fraction(x: number, a: number, b: number): number {
  let c = 1;
  let d = 1 / (1 - (a + b) * x / (a + 1));
  let value = d;
  for (let m = 1; m < 100_000; m++) {
    const even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / (1 + even * d);
    c = 1 + even / c;
    value *= c * d;
    const odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + odd * d);
    c = 1 + odd / c;
    value *= c * d;
    if (Math.abs(c * d - 1) < 1e-15) break;
  }
  return value;
}

/** log Gamma(z) for z >= 1: Stirling's series at z + k >= 10, back by the recurrence. */
function logGamma(z: number): number {
  let below = 0;
  let at = z;
  for (; at < 10; at++) below += Math.log(at);
  const r = 1 / (at * at);
  const series = (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r / 1188)))) / at;
  return (at - 0.5) * Math.log(at) - at + Math.log(2 * Math.PI) / 2 + series - below;
}
