import { UsageError } from "../core/mod.ts";

/** How a classifier is smoothed and certified. Plain JSON. */
export interface SmoothingSpec {
  /** Standard deviation of the noise in pixel units. */
  readonly sigma: number;
  /** Draws that bound the probability of the class, n. @default {100000} */
  readonly draws?: number;
  /** Draws before them that choose the class, n0. @default {100} */
  readonly selectionDraws?: number;
  /** Probability that what is said about an image is wrong. @default {0.001} */
  readonly alpha?: number;
  /** Draws in a forward pass; does not change the result. @default {400} */
  readonly batchSize?: number;
}

/** The fields where nothing else is said. */
const DEFAULTS = { draws: 100_000, selectionDraws: 100, alpha: 0.001, batchSize: 400 } as const;

/**
 * A spec with all its fields.
 *
 * Source of the numbers: Cohen, Rosenfeld, Kolter, "Certified adversarial robustness via randomized smoothing" (2019),
 * section 4.
 *
 * @param spec The spec.
 * @returns It with the defaults in their places.
 * @throws {UsageError} If a field is out of range.
 */
export function smoothing(spec: SmoothingSpec): Required<SmoothingSpec> {
  const whole = { ...DEFAULTS, ...spec };
  if (!(whole.sigma > 0 && whole.sigma < Infinity)) {
    throw new UsageError(`Cannot smooth with sigma = ${whole.sigma}: write a number above 0, such as 0.25`);
  }
  if (!(whole.alpha > 0 && whole.alpha < 0.5)) {
    throw new UsageError(`Cannot certify with alpha = ${whole.alpha}: write a number between 0 and 0.5, such as 0.001`);
  }
  for (const name of ["draws", "selectionDraws", "batchSize"] as const) {
    if (Number.isSafeInteger(whole[name]) && whole[name] >= 1) continue;
    throw new UsageError(`Cannot smooth with ${name} = ${whole[name]}: write a positive integer`);
  }
  return whole;
}
