import { argMax, type Tensor } from "../engine/mod.ts";

/**
 * The class of each target, traced.
 *
 * @param y Classes [B], int32, or probabilities of the classes [B, C], float32.
 * @returns Classes [B], int32: the given ones, or the most probable ones.
 */
export function classesOf(y: Tensor): Tensor {
  return y.rank === 1 ? y : argMax(y, -1);
}
