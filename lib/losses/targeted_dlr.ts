import { add, div, mul, oneHot, sub, sum, type Tensor } from "../engine/mod.ts";
import { checkLogitsAndLabels } from "./_check.ts";
import { largest } from "./_largest.ts";

/**
 * Targeted difference of logits ratio of each example: -(z_y - z_t) / (z_1st - (z_3rd + z_4th) / 2), the logits in
 * falling order, t the class that an attack aims at. It does not change when all logits are shifted or scaled.
 *
 * Traced; can be differentiated, through the denominator too.
 *
 * With fewer than four classes there is no fourth logit: it is z_t - z_y alone, which depends on the scale.
 *
 * @param logits z [B, C], |z| < 1e38.
 * @param y Classes [B], int32.
 * @param target Classes to aim at [B], int32.
 * @returns Loss [B].
 * @throws {TypeError} If a shape or dtype is another.
 *
 * Source: Croce and Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free
 * attacks" (2020), equation 7; 1e-12 is added to the denominator as in fra31/auto-attack,
 * a39220048b3c9f2cca9a4d3a54604793c68eca7e, autoattack/autopgd_base.py.
 */
export function targetedDlr(logits: Tensor, y: Tensor, target: Tensor): Tensor {
  checkLogitsAndLabels("the targeted difference of logits ratio", logits, y);
  checkLogitsAndLabels("the targeted difference of logits ratio", logits, target);
  const classes = logits.shape[1]!;
  const raised = sum(mul(logits, sub(oneHot(target, classes), oneHot(y, classes))), -1);
  if (classes < 4) return raised;
  const [first, , third, fourth] = largest(logits, 4);
  return div(raised, add(sub(first!, mul(add(third!, fourth!), 0.5)), 1e-12));
}
