/**
 * Exact McNemar test: the two-sided p-value of the hypothesis that two classifiers are right equally often, from the
 * images on which only one of them is. With n = b + c and X ~ Binomial(n, 1/2), p = min(1, 2 P(X <= min(b, c))).
 *
 * Computed in logarithms from the largest term of the tail down: counts of 10^5 are served, and p below 1e-308 is 0.
 *
 * Source: McNemar, "Note on the sampling error of the difference between correlated proportions or percentages" (1947);
 * Fagerland, Lydersen, Laake, "Statistical Analysis of Contingency Tables" (2017), section 8.5.2, the exact conditional
 * test. Differs from the usual chi-square in not being an approximation.
 *
 * @param b Images on which only the first is right.
 * @param c Images on which only the second is right.
 * @returns p in [0, 1]; 1 where there is no such image.
 * @throws {RangeError} If a count is not an integer of 0 or more.
 */
export function mcnemar(b: number, c: number): number {
  for (const count of [b, c]) {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new RangeError(`Cannot test a count of ${count}: it needs an integer of 0 or more`);
    }
  }
  const n = b + c;
  const least = Math.min(b, c);
  // log of C(n, least) / 2^n, and the tail as a multiple of that term.
  let log = -n * Math.LN2;
  for (let i = 1; i <= least; i++) log += Math.log((n - least + i) / i);
  let tail = 1;
  let term = 1;
  for (let i = least; i > 0; i--) {
    term *= i / (n - i + 1);
    if (tail + term === tail) break;
    tail += term;
  }
  return Math.min(1, 2 * Math.exp(log) * tail);
}
