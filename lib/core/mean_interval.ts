import { normalQuantile } from "./normal.ts";
import { studentQuantile } from "./student_t.ts";

/** A mean with its confidence interval. */
export interface MeanInterval {
  /** The mean. */
  readonly mean: number;
  /** Lower end. */
  readonly low: number;
  /** Upper end. */
  readonly high: number;
}

/**
 * The mean of values with its interval: mean -+ z s / sqrt(n), s^2 = sum (x - mean)^2 / (n - 1), z the normal quantile,
 * or that of Student's t with n - 1 degrees of freedom: for few values, which are then taken as normal.
 *
 * @param values At least two finite numbers.
 * @param confidence Probability that the interval covers the true mean.
 * @param kind "normal" for many values, "t" for few.
 * @returns The mean and the ends of its interval.
 * @throws {RangeError} If there are fewer values, or one is not finite.
 */
export function meanInterval(
  values: ArrayLike<number>,
  confidence = 0.95,
  kind: "normal" | "t" = "normal",
): MeanInterval {
  const n = values.length;
  if (n < 2) throw new RangeError(`Cannot give an interval of ${n} values: it needs at least two`);
  const all = Array.from(values);
  const wrong = all.find((value) => !Number.isFinite(value));
  if (wrong !== undefined) throw new RangeError(`Cannot give a mean with ${wrong} in it: it needs finite numbers`);
  const mean = all.reduce((sum, value) => sum + value, 0) / n;
  const deviation = Math.sqrt(all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1));
  const p = (1 + confidence) / 2;
  const spread = (kind === "normal" ? normalQuantile(p) : studentQuantile(p, n - 1)) * deviation / Math.sqrt(n);
  return { mean, low: mean - spread, high: mean + spread };
}
