import {
  add,
  div,
  mean,
  mul,
  reshape,
  sign,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  valueAndGrad,
} from "../engine/mod.ts";
import { crossEntropy } from "../losses/mod.ts";

/** One forward pass and the gradient of its cross-entropy with respect to the pixels. */
export interface InputGradient {
  /** Logits [B, classes]. */
  readonly logits: Tensor;
  /** Cross-entropy of each image [B]. */
  readonly crossEntropy: Tensor;
  /** d sum_i CE_i / dx, [B, H, W, C]: row i is the gradient of image i's own loss. */
  readonly gradient: Tensor;
}

/** How differences of input gradients become one number. */
export type AlignmentScale = "perExample" | "releasedCode";

/** Options of {@linkcode alignment}. */
export interface AlignmentOptions {
  /**
   * "perExample": mean_i ||d_i||_2, with gradients of each image's own loss; does not depend on the batch size.
   * "releasedCode": (1/B) ||d / B||_2 over the whole batch as one vector, which is gradients of the batch-mean loss,
   * one norm, and gamma / B: rms_i(||d_i||_2) / B^1.5.
   * @default {"perExample"}
   */
  readonly scale?: AlignmentScale;
  /**
   * Squares the norm, or norms.
   * @default {false}
   */
  readonly squared?: boolean;
}

/**
 * Input gradient of the cross-entropy, one row per image, with the logits of the same forward pass. It can be
 * differentiated again by whatever `forward` depends on.
 *
 * The gradient is that of the sum over images, so that every row is the gradient of its own image's loss. With batch
 * norm in training mode, row i also holds what image i does to the losses of the others through the batch statistics.
 *
 * @param forward Traced: pixels [B, H, W, C] -> logits [B, classes]; called once.
 * @param x Pixels [B, H, W, C].
 * @param y Classes [B], int32.
 * @returns Logits, cross-entropy per image, and gradient.
 */
export function inputGradient(forward: (x: Tensor) => Tensor, x: Tensor, y: Tensor): InputGradient {
  const { grad, aux } = valueAndGrad((at: Tensor) => {
    const logits = forward(at);
    const perExample = crossEntropy(logits, y);
    return { value: sum(perExample), aux: { logits, crossEntropy: perExample } };
  }, x);
  return { ...aux, gradient: grad };
}

/**
 * Distance between the input gradients of student and teacher, a scalar: with d_i = g_S,i - g_T,i and
 * `scale: "perExample"`, mean_i ||d_i||_2.
 *
 * The norm is safe at 0: with m = sign(||d||^2), which is 0 or 1 and has no gradient, it is m sqrt(||d||^2 + 1 - m),
 * so that equal gradients give the value 0 and the gradient 0 (a subgradient of the norm) where the plain square root
 * would give NaN; elsewhere nothing is added to the square.
 *
 * Source: Shao, Yi, Chen, Hsieh (2021), "How and when adversarial robustness transfers in knowledge distillation?"; the
 * two scales are its loss as an equation and as the authors' released code computes it.
 *
 * @param student Gradients of each image's own loss, [B, H, W, C].
 * @param teacher The same of the teacher; pass a constant.
 * @param options Scale, and whether the norm is squared.
 * @returns The distance, 0 where the gradients are equal.
 */
export function alignment(student: Tensor, teacher: Tensor, options: AlignmentOptions = {}): Tensor {
  const { scale = "perExample", squared = false } = options;
  const batch = student.shape[0]!;
  const difference = reshape(sub(student, teacher), [batch, -1]);
  if (scale === "perExample") {
    const squares = sum(square(difference), 1);
    return mean(squared ? squares : safeSqrt(squares));
  }
  const squares = sum(square(div(difference, batch)));
  return div(squared ? squares : safeSqrt(squares), batch);
}

/** Square root of x >= 0 with gradient 0 at 0. */
function safeSqrt(x: Tensor): Tensor {
  const positive = sign(x);
  return mul(positive, sqrt(add(x, sub(1, positive))));
}
