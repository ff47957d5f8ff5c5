import { add, maximum, minimum, mul, ones, reshape, sub, type Tensor } from "../engine/mod.ts";
import { type Box, type Boxes, intersect } from "./_boxes.ts";
import { LINEAR_KERNELS } from "./_linear_kernels.ts";
import type { Network } from "./_network.ts";
import { notCovered } from "./_not_covered.ts";
import { RELAXATIONS } from "./_relaxations.ts";
import { down, up } from "./_rounding.ts";

/**
 * Interval bound propagation: a box for every value of a network, from one of its input.
 *
 * Source: Gowal et al., "On the effectiveness of interval bound propagation for training verifiably robust models"
 * (2018), section 3.
 *
 * @param network The network.
 * @param input Box of the images.
 * @param known Boxes that are known from elsewhere, by the number of the value.
 * @returns Boxes by the number of the value.
 */
export function propagate(network: Network, input: Box, known: Boxes = new Map()): Boxes {
  const boxes = new Map([[0, input]]);
  for (const call of network.calls) {
    const rule = LINEAR_KERNELS[call.kernel] ?? RELAXATIONS[call.kernel] ?? notCovered(call);
    rule.box(call, boxes).forEach((box, i) => {
      const { id } = call.outputs[i]!;
      const better = known.get(id);
      boxes.set(id, better ? intersect(box, better) : box);
    });
  }
  return boxes;
}

/** Images in a ball. */
export interface Ball {
  /** Centres, pixels in [0,1] [B, H, W, C]. */
  readonly x: Tensor;
  /** Radii [B] in pixel units. */
  readonly eps: Tensor;
  /** Norm, over all of an image's pixels. */
  readonly norm: "Linf" | "L2";
}

/**
 * The smallest box around a ball.
 *
 * @param ball The ball.
 * @param clipped Whether pixels outside [0, 1] are left out.
 */
export function boxAround({ x, eps, norm }: Ball, clipped: boolean): Box {
  const radius = mul(ones([...x.shape]), reshape(eps, x.shape.map((length, axis) => axis === 0 ? length : 1)));
  const [lower, upper] = [down(sub(x, radius)), up(add(x, radius))];
  if (clipped) return { lower: maximum(lower, 0), upper: minimum(upper, 1) };
  return { lower, upper, ...(norm === "L2" && { spread: radius }) };
}
