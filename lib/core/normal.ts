/**
 * The quantile of the standard normal distribution: z with Phi(z) = p.
 *
 * Newton's method on Phi(z) = 1/2 + phi(z) * (z + z^3/3 + z^5/(3*5) + ...).
 * Source: Marsaglia, "Evaluating the normal distribution" (2004), section 3, for the series.
 *
 * @param p Probability, 1e-12 <= p <= 1 - 1e-12.
 * @returns z, to about 1e-12 between -4 and 4 and 1e-6 at the ends.
 * @throws {RangeError} If p is outside of that.
 */
export function normalQuantile(p: number): number {
  if (!(p >= 1e-12 && p <= 1 - 1e-12)) {
    throw new RangeError(`Cannot take the normal quantile of ${p}: it needs a probability strictly between 0 and 1`);
  }
  // The upper half is solved and mirrored: as Phi is concave there, Newton's steps from 0 fall short and rise to z.
  if (p < 0.5) return -normalQuantile(1 - p);
  let z = 0;
  for (let i = 0; i < 100; i++) {
    const step = (p - distribution(z)) / density(z);
    z += step;
    if (Math.abs(step) < 1e-14 * (1 + z)) break;
  }
  return z;
}

function density(z: number): number {
  return Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
}

function distribution(z: number): number {
  let sum = 0;
  let term = z;
  for (let k = 3; sum + term !== sum; k += 2) {
    sum += term;
    term *= z * z / k;
  }
  return 0.5 + density(z) * sum;
}
