import { argMax, mul, oneHot, stopGradient, sub, sum, type Tensor } from "../engine/mod.ts";
import { checkLogitsAndLabels } from "./_check.ts";

/**
 * Margin of each example: z_y - max_{k != y} z_k, positive where the example is classified correctly.
 *
 * Traced. The strongest other class k* is found first and held constant, then the margin is the linear function
 * z_y - z_k* of the logits: the gradient is exact wherever k* is unique, and at a tie it is that of the first of the
 * tied classes. The second derivative in the logits is 0, as that of the margin is.
 *
 * @param logits z [B, C], |z| < 1e38.
 * @param y Classes [B], int32.
 * @returns Margin in logits [B].
 * @throws {TypeError} If a shape or dtype is another.
 *
 * Source: Carlini and Wagner, "Towards evaluating the robustness of neural networks" (2017), objective f_6, with the
 * sign turned and no floor.
 */
export function margin(logits: Tensor, y: Tensor): Tensor {
  checkLogitsAndLabels("the margin", logits, y);
  const classes = logits.shape[1]!;
  const own = oneHot(y, classes);
  const others = sub(stopGradient(logits), mul(own, 2e38));
  const strongest = oneHot(argMax(others, -1), classes);
  return sum(mul(logits, sub(own, strongest)), -1);
}
