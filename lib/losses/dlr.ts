import { add, div, neg, sub, type Tensor } from "../engine/mod.ts";
import { largest } from "./_largest.ts";
import { margin } from "./margin.ts";

/**
 * Difference of logits ratio of each example: -(z_y - max_{k != y} z_k) / (z_1st - z_3rd), the logits in falling order;
 * what an attack raises. It does not change when all logits are shifted or scaled, so that a classifier cannot starve it
 * by large or small logits; above 0 the example is misclassified, and 1 is the most.
 *
 * Traced; can be differentiated, through the denominator too.
 *
 * Where the label has the third logit it is 1 and its gradient 0, but for rounding: there is nothing left to raise.
 *
 * With two classes there is no third logit: it is the margin with its sign turned, which depends on the scale.
 *
 * @param logits z [B, C], |z| < 1e38.
 * @param y Classes [B], int32.
 * @returns Loss [B].
 * @throws {TypeError} If a shape or dtype is another.
 *
 * Source: Croce and Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free
 * attacks" (2020), equation 6; 1e-12 is added to the denominator as in fra31/auto-attack,
 * a39220048b3c9f2cca9a4d3a54604793c68eca7e, autoattack/autopgd_base.py.
 */
export function dlr(logits: Tensor, y: Tensor): Tensor {
  const raised = neg(margin(logits, y));
  if (logits.shape[1]! < 3) return raised;
  const [first, , third] = largest(logits, 3);
  return div(raised, add(sub(first!, third!), 1e-12));
}
