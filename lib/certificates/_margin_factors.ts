import { int32 } from "../core/mod.ts";
import { constant, oneHot, reshape, sub, type Tensor } from "../engine/mod.ts";

/** The factors of the logits in z_y - z_k, for each k: [B, classes, classes]. */
export function marginFactors(y: Tensor, classes: number): Tensor {
  const every = constant(int32([classes], Array.from({ length: classes }, (_, k) => k)));
  const own = reshape(oneHot(y, classes), [y.shape[0]!, 1, classes]);
  return sub(own, reshape(oneHot(every, classes), [1, classes, classes]));
}
