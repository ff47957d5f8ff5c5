import type { Rng } from "../core/mod.ts";

/**
 * Positions of images, sorted by a random key of each image's id: a rule that depends neither on the order of the
 * images nor on which others are there.
 */
export function keyedOrder(ids: Int32Array, stream: Rng): number[] {
  const keys = Array.from(ids, (id) => {
    const [high = 0, low = 0] = stream.child(id).integers(2, 2 ** 26);
    return high * 2 ** 26 + low;
  });
  return Array.from(ids.keys()).sort((a, b) => keys[a]! - keys[b]! || ids[a]! - ids[b]!);
}
