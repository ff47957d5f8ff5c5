/**
 * The quantile of Student's t distribution: t with P(T <= t) = p.
 *
 * With theta = atan(t / sqrt(df)), P(|T| <= t) is a finite sum of sines and cosines of theta; it rises with theta and is
 * inverted by bisection.
 * Source: Abramowitz and Stegun, "Handbook of Mathematical Functions" (1964), equations 26.7.3 and 26.7.4.
 *
 * @param p Probability, strictly between 0 and 1.
 * @param df Degrees of freedom, an integer of at least 1.
 * @returns t, to about 1e-12 of itself where p is not within 1e-9 of 0 or 1.
 * @throws {RangeError} If one of them is out of range.
 */
export function studentQuantile(p: number, df: number): number {
  if (!(p > 0 && p < 1)) {
    throw new RangeError(`Cannot take the t quantile of ${p}: it needs a probability strictly between 0 and 1`);
  }
  if (!Number.isInteger(df) || df < 1) {
    throw new RangeError(`Cannot take the t quantile with ${df} degrees of freedom: it needs an integer of at least 1`);
  }
  if (p === 0.5) return 0;
  if (p < 0.5) return -studentQuantile(1 - p, df);
  const wanted = 2 * p - 1;
  let [low, high] = [0, Math.PI / 2];
  for (let i = 0; i < 100 && low < high; i++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (within(middle, df) < wanted) low = middle;
    else high = middle;
  }
  return Math.sqrt(df) * Math.tan((low + high) / 2);
}

/** P(|T| <= sqrt(df) tan(theta)). */
function within(theta: number, df: number): number {
  const [sine, cosine] = [Math.sin(theta), Math.cos(theta)];
  const isOdd = df % 2 === 1;
  let term = isOdd ? cosine : 1;
  let sum = 0;
  for (let power = isOdd ? 1 : 0; power <= df - 2 && sum + term !== sum; power += 2) {
    sum += term;
    term *= (power + 1) / (power + 2) * cosine * cosine;
  }
  return isOdd ? 2 / Math.PI * (theta + sine * sum) : sine * sum;
}
