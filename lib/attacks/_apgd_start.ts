import { float32, type NdArray, type Rng, sizeOf } from "../core/mod.ts";
import type { Norm } from "./attack.ts";
import type { Slot } from "./slot_attack.ts";

/**
 * A random direction for the start of a trial: on the border of the unit ball for Linf and L2, normal numbers for L1.
 *
 * @param rng Stream of the attack.
 * @param slot Image and trial.
 * @param norm Norm of the ball.
 * @param inputShape Shape of the image.
 * @returns Direction [H, W, C].
 */
export function apgdStart(rng: Rng, slot: Slot, norm: Norm, inputShape: readonly number[]): NdArray<"float32"> {
  const draws = rng.child("start", slot.id, slot.trial);
  const size = sizeOf(inputShape);
  const point = norm === "Linf" ? draws.uniform(size, -1, 1) : draws.normal(size);
  const length = LENGTH[norm](point);
  return float32(inputShape, point.map((value) => value / length));
}

const LENGTH: { readonly [N in Norm]: (point: Float32Array) => number } = {
  Linf: (point) => point.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-12),
  L2: (point) => Math.sqrt(point.reduce((squares, value) => squares + value ** 2, 1e-24)),
  L1: () => 1,
};
