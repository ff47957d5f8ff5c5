import { logSoftmax, mul, neg, oneHot, sum, type Tensor } from "../engine/mod.ts";
import { checkLogitsAndTargets } from "./_check.ts";

/**
 * Cross-entropy of each example: -sum_k q_k log p_k, p = softmax(z), q = onehot(y) or the probabilities given.
 *
 * Traced; can be differentiated twice.
 *
 * @param logits z [B, C].
 * @param y Classes [B], int32, where a label outside of 0 .. C-1 has no term; or probabilities of the classes [B, C],
 * float32, as of smoothed or mixed labels.
 * @returns Loss in nats [B]; not reduced.
 * @throws {TypeError} If a shape or dtype is another.
 *
 * Source: `torch.nn.CrossEntropyLoss` (PyTorch 2) for the two kinds of targets.
 */
export function crossEntropy(logits: Tensor, y: Tensor): Tensor {
  checkLogitsAndTargets("the cross-entropy", logits, y);
  const target = y.rank === 2 ? y : oneHot(y, logits.shape[1]!);
  return neg(sum(mul(target, logSoftmax(logits)), -1));
}
