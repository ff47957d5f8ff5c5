import { float32, type NdArray, type Rng } from "../core/mod.ts";
import type { Norm } from "./attack.ts";

/**
 * Random points of the unit ball, one per image: uniform in [-1,1]^d for Linf; for L2 uniform in the ball, a normal
 * direction at radius u^(1/d), u uniform in [0,1). A start at radius eps is x + eps times that.
 *
 * They are keyed by the id of the image and the restart alone, so that an image starts at the same point whatever its
 * batch is, and at every radius in the same direction.
 *
 * @param shape Shape of the batch [B, H, W, C].
 * @param norm Norm of the ball.
 * @param ids Image ids [B].
 * @param rng Stream of the attack.
 * @param restart Which start, from 0.
 * @returns Points [B, H, W, C].
 */
export function unitStarts(
  shape: readonly number[],
  norm: Exclude<Norm, "L1">,
  ids: Int32Array,
  rng: Rng,
  restart: number,
): NdArray<"float32"> {
  const points = float32(shape);
  const size = points.data.length / (ids.length || 1);
  ids.forEach((id, row) => points.data.set(POINT[norm](rng.child("start", id, restart), size), row * size));
  return points;
}

const POINT: { readonly [N in Exclude<Norm, "L1">]: (rng: Rng, size: number) => Float32Array } = {
  Linf: (rng, size) => rng.uniform(size, -1, 1),
  L2: (rng, size) => {
    const point = rng.normal(size);
    const length = Math.sqrt(point.reduce((squares, z) => squares + z * z, 0));
    const factor = rng.uniform(1)[0]! ** (1 / size) / length;
    return point.map((z) => z * factor);
  },
};
