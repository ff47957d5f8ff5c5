import { mul, oneHot, sub, type Tensor } from "../engine/mod.ts";
import { marginBounds, settingOf } from "./_margins.ts";
import type { CertifiedNorm } from "./bound_spec.ts";

/** Images in balls with their classes, traced. */
export interface BallBatch {
  /** Centres, pixels in [0,1] [B, H, W, C]. */
  readonly x: Tensor;
  /** Classes [B], int32. */
  readonly y: Tensor;
  /** Radii in pixel units [B]. */
  readonly eps: Tensor;
  /** Norm of the balls, over all of an image's pixels; what lies outside [0,1] does not count. */
  readonly norm: CertifiedNorm;
}

/**
 * Lower bounds of the margins z_y - z_k over balls of images, traced; differentiable in the weights, so that a network
 * can be trained on them.
 *
 * @param logits Traced: pixels [B, H, W, C] -> logits [B, classes], of the covered operators.
 * @param classes Number of classes.
 * @param batch The balls.
 * @param method "ibp", or "crown-ibp": linear bounds with adaptive slopes, intervals before nonlinearities by IBP.
 * @returns Bounds [B, classes]; 0 at the class itself.
 * @throws {UsageError} If the network has an operator that is not covered.
 *
 * Source: Gowal et al. (2018), section 3 (IBP, last layer joined with the margins); Zhang et al., "Towards stable and
 * efficient training of verifiably robust neural networks" (2020), section 3.2 (CROWN-IBP).
 */
export function lowerMargins(
  logits: (x: Tensor) => Tensor,
  classes: number,
  { x, y, eps, norm }: BallBatch,
  method: "ibp" | "crown-ibp",
): Tensor {
  const setting = settingOf(logits, { x, eps, norm });
  const bounds = marginBounds(setting, y, classes, method === "ibp" ? "ends" : "lines");
  return mul(bounds, sub(1, oneHot(y, classes)));
}
