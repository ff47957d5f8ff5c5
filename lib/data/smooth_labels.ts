import { float32, type NdArray, UsageError } from "../core/mod.ts";

/**
 * Labels as probabilities: (1 - s) q + s / C, q the one-hot classes or the probabilities given.
 *
 * Source: Szegedy et al., "Rethinking the Inception architecture for computer vision" (2016), section 7.
 *
 * @param y Classes [B], or probabilities of the classes [B, C].
 * @param classes C.
 * @param smoothing s, 0 <= s < 1.
 * @returns Probabilities [B, C].
 * @throws {UsageError} If the smoothing is not in [0, 1).
 */
export function smoothLabels(y: NdArray, classes: number, smoothing: number): NdArray<"float32"> {
  checkSmoothing(smoothing);
  const count = y.shape[0]!;
  const q = new Float32Array(count * classes);
  if (y.shape.length === 2) q.set(y.data);
  else y.data.forEach((label: number, i: number) => q[i * classes + label] = 1);
  return float32(
    [count, classes],
    smoothing === 0 ? q : q.map((value) => (1 - smoothing) * value + smoothing / classes),
  );
}

/**
 * Checks a share of the labels.
 *
 * @param smoothing The share.
 * @throws {UsageError} If it is not in [0, 1).
 */
export function checkSmoothing(smoothing: number): void {
  if (smoothing >= 0 && smoothing < 1) return;
  throw new UsageError(`Cannot use ${smoothing} as label smoothing: write a share from 0 to below 1`);
}
