import { float32, type NdArray, type Rng } from "../core/mod.ts";

/**
 * Pixels plus uniform noise in [-radius, radius), keyed by image id; inside [0,1] where `clip` is set.
 *
 * @param x Pixels [B, H, W, C].
 * @param ids Image ids [B].
 * @param radius In pixel units.
 * @param rng Stream of the step.
 * @param clip Whether pixels stay in [0,1].
 */
export function uniformNoise(
  x: NdArray<"float32">,
  ids: Int32Array,
  radius: number,
  rng: Rng,
  clip = false,
): NdArray<"float32"> {
  const size = x.data.length / ids.length;
  const data = x.data.slice();
  for (const [row, id] of ids.entries()) {
    const noise = rng.child("noise", id).uniform(size, -radius, radius);
    for (let i = row * size; i < (row + 1) * size; i++) {
      const moved = data[i]! + noise[i - row * size]!;
      data[i] = clip ? Math.min(Math.max(moved, 0), 1) : moved;
    }
  }
  return float32(x.shape, data);
}
