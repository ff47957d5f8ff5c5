import { add, logSoftmax, mul, neg, oneHot, sum, type Tensor } from "../engine/mod.ts";
import { checkLogitsAndLabels } from "./_check.ts";

/**
 * Cross-entropy of each example: -sum_k q_k log p_k, p = softmax(z), q = (1 - s) onehot(y) + s / C.
 *
 * Traced; can be differentiated twice.
 *
 * @param logits z [B, C].
 * @param y Classes [B], int32; a label outside of 0 .. C-1 has no term.
 * @param labelSmoothing s, 0 <= s < 1.
 * @returns Loss in nats [B]; not reduced.
 * @throws {TypeError} If a shape or dtype is another.
 * @throws {RangeError} If the smoothing is not in [0, 1).
 *
 * Source: Szegedy et al., "Rethinking the Inception architecture for computer vision" (2016), section 7, for s > 0.
 */
export function crossEntropy(logits: Tensor, y: Tensor, labelSmoothing = 0): Tensor {
  checkLogitsAndLabels("the cross-entropy", logits, y);
  if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
    throw new RangeError(`Cannot smooth labels by ${labelSmoothing}: it needs a number of 0 or more and below 1`);
  }
  const classes = logits.shape[1]!;
  const hard = oneHot(y, classes);
  const target = labelSmoothing === 0 ? hard : add(mul(hard, 1 - labelSmoothing), labelSmoothing / classes);
  return neg(sum(mul(target, logSoftmax(logits)), -1));
}
