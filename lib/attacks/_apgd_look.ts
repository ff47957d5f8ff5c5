import { greater, neg, type Tensor } from "../engine/mod.ts";
import { crossEntropy, dlr, margin, targetedDlr } from "../losses/mod.ts";
import type { ApgdSpec } from "./attack.ts";
import { whereSlot } from "./slot_attack.ts";

/** What is fixed for a trial. */
export type ApgdTrial = {
  /** Direction of the start [B, H, W, C]. */
  readonly start: Tensor;
  /** Class that is aimed at [B], int32; 0 where the loss aims at none. */
  readonly target: Tensor;
};

/** The image of highest loss of a trial. */
export type ApgdBest = {
  /** Images [B, H, W, C]. */
  readonly best: Tensor;
  /** Their gradients [B, H, W, C]. */
  readonly bestGrad: Tensor;
  /** Their losses [B]. */
  readonly bestLoss: Tensor;
};

/** What is raised: rises with the strength of the attack, [B]. */
export const APGD_LOSS: {
  readonly [L in NonNullable<ApgdSpec["loss"]>]: (logits: Tensor, y: Tensor, target: Tensor) => Tensor;
} = {
  crossEntropy: (logits, y) => crossEntropy(logits, y),
  margin: (logits, y) => neg(margin(logits, y)),
  dlr: (logits, y) => dlr(logits, y),
  targetedDlr,
};

/** The better of the best so far, which is ignored where a trial begins, and the image just looked at. */
export function better(
  begins: Tensor,
  before: ApgdBest,
  now: { readonly at: Tensor; readonly grad: Tensor; readonly loss: Tensor },
): ApgdBest {
  const choose = (flag: Tensor, was: ApgdBest): ApgdBest => ({
    best: whereSlot(flag, now.at, was.best),
    bestGrad: whereSlot(flag, now.grad, was.bestGrad),
    bestLoss: whereSlot(flag, now.loss, was.bestLoss),
  });
  const kept = choose(greater(now.loss, before.bestLoss), before);
  return choose(begins, kept);
}
