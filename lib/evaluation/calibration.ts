/** Images whose confidence lies in one bin. */
export interface CalibrationBin {
  /** Lower end, which belongs to the bin below but for 0. */
  readonly from: number;
  /** Upper end. */
  readonly to: number;
  /** Number of images. */
  readonly n: number;
  /** Their mean confidence; 0 where there is none. */
  readonly confidence: number;
  /** Share of them that is classified correctly; 0 where there is none. */
  readonly accuracy: number;
}

/** How far the confidence of a network is its accuracy. */
export interface Calibration {
  /** Images that are classified correctly; of equal largest logits the first class counts. */
  readonly correct: number;
  /** Largest probability of each image [N]. */
  readonly confidences: Float64Array;
  /** Entropy of the probabilities of each image in nats [N]. */
  readonly entropies: Float64Array;
  /** Expected calibration error: sum over bins of n_b / N |accuracy_b - confidence_b|. */
  readonly ece: number;
  /** The bins (0, 1/B], (1/B, 2/B], ..., from the lowest. */
  readonly bins: readonly CalibrationBin[];
}

/**
 * Measures how well a network is calibrated, from its logits.
 *
 * Source: Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks" (2017), equation 3, with its 15 bins
 * of equal width.
 *
 * @param logits z [N * classes].
 * @param labels Classes [N].
 * @param classes Number of classes.
 * @param binCount Number of bins B.
 * @returns Confidences, entropies, bins and the error.
 * @throws {RangeError} If there is no image, or the numbers do not fit.
 */
export function calibration(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
  binCount = 15,
): Calibration {
  const n = labels.length;
  if (n === 0 || logits.length !== n * classes || !Number.isInteger(binCount) || binCount < 1) {
    throw new RangeError(
      `Cannot calibrate ${logits.length} logits of ${n} images and ${classes} classes in ${binCount} bins`,
    );
  }
  const [confidences, entropies] = [new Float64Array(n), new Float64Array(n)];
  const bins = Array.from({ length: binCount }, () => ({ n: 0, confidence: 0, correct: 0 }));
  let correct = 0;
  for (let i = 0; i < n; i++) {
    const z = Array.from({ length: classes }, (_, k) => logits[i * classes + k]!);
    const most = Math.max(...z);
    const logSum = Math.log(z.reduce((sum, value) => sum + Math.exp(value - most), 0));
    entropies[i] = z.reduce((sum, value) => sum - Math.exp(value - most - logSum) * (value - most - logSum), 0);
    const confidence = confidences[i] = Math.exp(-logSum);
    const isRight = z.indexOf(most) === labels[i];
    if (isRight) correct++;
    const bin = bins[Math.min(binCount, Math.max(1, Math.ceil(confidence * binCount))) - 1]!;
    bin.n++;
    bin.confidence += confidence;
    bin.correct += isRight ? 1 : 0;
  }
  return {
    correct,
    confidences,
    entropies,
    ece: bins.reduce((sum, bin) => sum + Math.abs(bin.correct - bin.confidence), 0) / n,
    bins: bins.map((bin, b) => ({
      from: b / binCount,
      to: (b + 1) / binCount,
      n: bin.n,
      confidence: bin.n === 0 ? 0 : bin.confidence / bin.n,
      accuracy: bin.n === 0 ? 0 : bin.correct / bin.n,
    })),
  };
}
