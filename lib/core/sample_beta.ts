import type { Rng } from "./rng.ts";

/**
 * A number of the Beta distribution: density proportional to x^(a - 1) (1 - x)^(b - 1).
 *
 * x = A / (A + B) with A and B of the Gamma distributions of shapes a and b. A Gamma number of shape a >= 1 comes from
 * attempts k = 0, 1, ...: z normal and u uniform of `stream.child("a", k)`, v = (1 + z / sqrt(9 d))^3, d = a - 1/3; d v is
 * taken if v > 0 and log(1 - u) < z^2 / 2 + d - d v + d log v. Below 1, it is that of shape a + 1 times w^(1 / a), w in
 * (0, 1] uniform of `stream.child("a", "power")`. All in logarithms, as w^(1 / a) can be below the smallest number.
 *
 * Source: Marsaglia and Tsang, "A simple method for generating gamma variables" (2000), the algorithm and section 6.
 *
 * @param stream Where the random numbers come from; the same stream gives the same number.
 * @param a First shape, positive.
 * @param b Second shape, positive.
 * @returns The number, in [0, 1].
 * @throws {RangeError} If a shape is not a positive number.
 */
export function sampleBeta(stream: Rng, a: number, b: number): number {
  for (const shape of [a, b]) {
    if (shape > 0 && shape < Infinity) continue;
    throw new RangeError(`Cannot draw from a Beta distribution of shape ${shape}: it needs a positive number`);
  }
  return 1 / (1 + Math.exp(logGamma(stream.child("b"), b) - logGamma(stream.child("a"), a)));
}

/** Logarithm of a number of the Gamma distribution. */
function logGamma(stream: Rng, shape: number): number {
  if (shape < 1) return logGamma(stream, shape + 1) + Math.log(1 - stream.child("power").uniform(1)[0]!) / shape;
  const d = shape - 1 / 3;
  for (let k = 0;; k++) {
    const attempt = stream.child(k);
    const z = attempt.normal(1)[0]!;
    const v = (1 + z / Math.sqrt(9 * d)) ** 3;
    if (v > 0 && Math.log(1 - attempt.uniform(1)[0]!) < z * z / 2 + d - d * v + d * Math.log(v)) return Math.log(d * v);
  }
}
