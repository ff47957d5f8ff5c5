import { normalQuantile } from "./normal.ts";

/** A rank correlation with its confidence interval. */
export interface RankCorrelation {
  /** Spearman's rho in [-1, 1]. */
  readonly rho: number;
  /** Lower end. */
  readonly low: number;
  /** Upper end. */
  readonly high: number;
  /** Number of pairs. */
  readonly n: number;
}

/**
 * Spearman's rank correlation: Pearson's correlation of the ranks, equal values having the mean of their ranks. The
 * interval is tanh(artanh rho -+ z sqrt((1 + rho^2 / 2) / (n - 3))); it is approximate, and the whole of [-1, 1] below
 * four pairs. It takes the pairs as independent draws.
 *
 * Source: Bonett and Wright, "Sample size requirements for estimating Pearson, Kendall and Spearman correlations" (2000),
 * for the variance.
 *
 * @param a First values.
 * @param b Second values, as many.
 * @param confidence Strictly between 0 and 1.
 * @returns The correlation; undefined where it has none, as all values of a side are equal.
 * @throws {RangeError} If there are fewer than two pairs, lengths differ, a value is not finite, or the confidence is out
 * of range.
 */
export function rankCorrelation(
  a: readonly number[],
  b: readonly number[],
  confidence = 0.95,
): RankCorrelation | undefined {
  const n = a.length;
  if (n !== b.length || n < 2) {
    throw new RangeError(`Cannot correlate ${n} with ${b.length} values: it needs two or more pairs`);
  }
  for (const value of [...a, ...b]) {
    if (!Number.isFinite(value)) throw new RangeError(`Cannot correlate ${value}: it needs finite numbers`);
  }
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`Cannot use ${confidence} as a confidence: it needs a number between 0 and 1`);
  }
  const rho = pearson(ranks(a), ranks(b));
  if (rho === undefined) return undefined;
  if (n < 4) return { rho, low: -1, high: 1, n };
  if (Math.abs(rho) === 1) return { rho, low: rho, high: rho, n };
  const spread = normalQuantile((1 + confidence) / 2) * Math.sqrt((1 + rho * rho / 2) / (n - 3));
  return { rho, low: Math.tanh(Math.atanh(rho) - spread), high: Math.tanh(Math.atanh(rho) + spread), n };
}

/** Ranks from 1, equal values sharing the mean of theirs. */
function ranks(values: readonly number[]): number[] {
  const order = [...values.keys()].sort((i, j) => values[i]! - values[j]!);
  const result = new Array<number>(values.length);
  for (let from = 0; from < order.length;) {
    let to = from;
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (let k = from; k < to; k++) result[order[k]!] = (from + 1 + to) / 2;
    from = to;
  }
  return result;
}

function pearson(a: readonly number[], b: readonly number[]): number | undefined {
  // Ranks are multiples of a half with the mean (n + 1) / 2: the sums are exact.
  const mean = (a.length + 1) / 2;
  let [ab, aa, bb] = [0, 0, 0];
  for (const [i, value] of a.entries()) {
    ab += (value - mean) * (b[i]! - mean);
    aa += (value - mean) ** 2;
    bb += (b[i]! - mean) ** 2;
  }
  return aa === 0 || bb === 0 ? undefined : aa === bb ? ab / aa : ab / Math.sqrt(aa * bb);
}
