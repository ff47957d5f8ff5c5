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
import { unitRows } from "./_unit_rows.ts";

/** One forward pass and the gradient of its cross-entropy, or another value, with respect to the pixels. */
export interface InputGradient {
  /** Logits [B, classes]. */
  readonly logits: Tensor;
  /** Cross-entropy of each image [B]. */
  readonly crossEntropy: Tensor;
  /** d sum_i CE_i / dx, [B, H, W, C], or of another value: row i is the gradient of image i's own. */
  readonly gradient: Tensor;
}

/** How differences of input gradients become one number. */
export type AlignmentScale = "perExample" | "releasedCode";

/** What is compared of two input gradients: their difference by its length, or their directions alone. */
export type AlignmentDistance = "l2" | "cosine";

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
  /**
   * "l2": the length of the difference. "cosine": 1 - cos(g_S,i, g_T,i), the mean over images, with neither of the two
   * fields above; 1, without a gradient, where one of them is 0.
   * @default {"l2"}
   */
  readonly distance?: AlignmentDistance;
  /**
   * Factors of 0 or 1 of the images [B], constants: an image of 0 counts as aligned.
   * @default {all 1}
   */
  readonly mask?: Tensor | undefined;
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
 * @param valueOf The number of each image [B] whose gradient is taken in place of its cross-entropy's, from its logits
 * [B, classes].
 * @returns Logits, cross-entropy per image, and gradient.
 */
export function inputGradient(
  forward: (x: Tensor) => Tensor,
  x: Tensor,
  y: Tensor,
  valueOf?: (logits: Tensor) => Tensor,
): InputGradient {
  const { grad, aux } = valueAndGrad((at: Tensor) => {
    const logits = forward(at);
    const perExample = crossEntropy(logits, y);
    return { value: sum(valueOf?.(logits) ?? perExample), aux: { logits, crossEntropy: perExample } };
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
  const { scale = "perExample", squared = false, distance = "l2", mask } = options;
  const batch = student.shape[0]!;
  if (distance === "cosine") {
    const apart = sub(1, cosines(reshape(student, [batch, -1]), reshape(teacher, [batch, -1])));
    return mean(mask === undefined ? apart : mul(apart, mask));
  }
  const all = reshape(sub(student, teacher), [batch, -1]);
  const difference = mask === undefined ? all : mul(all, reshape(mask, [batch, 1]));
  if (scale === "perExample") {
    const squares = sum(square(difference), 1);
    return mean(squared ? squares : safeSqrt(squares));
  }
  const squares = sum(square(div(difference, batch)));
  return div(squared ? squares : safeSqrt(squares), batch);
}

/** Cosines of the rows of a and b [B, n]: [B]; 0, with no gradient, where a row is 0. */
const cosines = (a: Tensor, b: Tensor): Tensor => sum(mul(unitRows(a), unitRows(b)), 1);

/** Square root of x >= 0 with gradient 0 at 0. */
function safeSqrt(x: Tensor): Tensor {
  const positive = sign(x);
  return mul(positive, sqrt(add(x, sub(1, positive))));
}
