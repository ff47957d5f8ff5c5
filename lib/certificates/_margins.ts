import { sizeOf } from "../core/mod.ts";
import {
  abs,
  add,
  broadcastTo,
  concat,
  greater,
  mul,
  neg,
  ones,
  reshape,
  split,
  sum,
  type Tensor,
  where,
  zeros,
} from "../engine/mod.ts";
import { lowerBounds } from "./_backward.ts";
import type { Box, Boxes } from "./_boxes.ts";
import { LINEAR_KERNELS } from "./_linear_kernels.ts";
import { marginFactors } from "./_margin_factors.ts";
import { type Network, recordNetwork, widen } from "./_network.ts";
import { type Ball, boxAround, propagate } from "./_propagate.ts";
import { RELAXATIONS } from "./_relaxations.ts";

/** From pixels [B, H, W, C] to logits [B, classes], traced. */
export type Logits = (x: Tensor) => Tensor;

/** Ends of intervals. */
export type Ends = Pick<Box, "lower" | "upper">;

/** A classifier at balls of images, with the intervals of all of its values. */
export interface Setting {
  readonly logits: Logits;
  readonly ball: Ball;
  readonly network: Network;
  readonly boxes: Boxes;
}

/**
 * Records a classifier and propagates intervals through it.
 *
 * @param logits The classifier.
 * @param ball The images.
 * @param known Intervals of the first operands of nonlinear kernels ({@linkcode operandsOf}) that are known from elsewhere.
 */
export function settingOf(logits: Logits, ball: Ball, known: readonly Ends[] = []): Setting {
  const network = recordNetwork(logits, ball.x.shape);
  const better = new Map(operandsOf(network).slice(0, known.length).map(({ id }, i) => [id, known[i]!]));
  return { logits, ball, network, boxes: propagate(network, boxAround(ball, ball.norm === "Linf"), better) };
}

/** An operand of a nonlinear kernel that is replaced by lines. */
export interface Operand {
  /** Number of the value. */
  readonly id: number;
  /**
   * Whether intervals are as good as any bound of it: there is no nonlinearity before it, and only one sum, so that no
   * pixel is in two of its terms.
   */
  readonly exact: boolean;
}

/** The operands of nonlinear kernels that lines are put around, in the order of the calls, each once. */
export function operandsOf(network: Network): Operand[] {
  // Sums that a value is the result of: 0, 1, or 2 for more, or for what is nonlinear.
  const sums = new Map([[0, 0]]);
  const found = new Map<number, Operand>();
  for (const call of network.calls) {
    const values = Object.values(call.operands).flatMap((operand) => "value" in operand ? [operand.value.id] : []);
    const [first = 0] = values;
    const before = values.length > 1 ? 2 : sums.get(first)!;
    const isProduct = ["Conv2D", "GroupedConv2D", "BatchMatMul"].includes(call.kernel);
    const isSum = ["Sum", "Mean"].includes(call.kernel);
    const relaxation = RELAXATIONS[call.kernel];
    if (relaxation?.lines || call.kernel === "MaxPool2D") {
      if (!found.has(first)) found.set(first, { id: first, exact: before < 2 });
    }
    const after = relaxation || isSum ? 2 : isProduct ? Math.min(before + 1, 2) : before;
    for (const { id } of call.outputs) sums.set(id, after);
  }
  return [...found.values()];
}

/**
 * Lower bounds of the margins z_y - z_k, [B, classes].
 *
 * @param setting The classifier and the images.
 * @param y Classes [B].
 * @param classes How many there are.
 * @param relax As in {@linkcode lowerBounds}.
 * @param wide The network with a copy of every image for each class, where there is one already.
 * @param slopes As in {@linkcode lowerBounds}.
 */
export function marginBounds(
  { logits, ball, network, boxes }: Setting,
  y: Tensor,
  classes: number,
  relax: "ends" | "lines",
  wide: Network = widen(network, logits, ball.x.shape, classes),
  slopes?: ReadonlyMap<number, Tensor>,
): Tensor {
  const bounds = lowerBounds({
    network: wide,
    rows: classes,
    target: network.output.id,
    factors: marginFactors(y, classes),
    boxes,
    ball,
    relax,
    ...(slopes && { slopes }),
  });
  return knownBounds(bounds, { network, boxes });
}

/** Bounds of elements of a value from below and above [B, rows]. */
export function elementBounds({ logits, ball, network, boxes }: Setting, id: number, oneHot: Tensor): Ends {
  const batch = network.batch;
  const [rows = 0, elements = 0] = oneHot.shape;
  const signed = reshape(concat([oneHot, neg(oneHot)], 0), [1, 2 * rows, elements]);
  const bounds = lowerBounds({
    network: widen(network, logits, ball.x.shape, 2 * rows),
    rows: 2 * rows,
    target: id,
    factors: broadcastTo(signed, [batch, 2 * rows, elements]),
    boxes,
    ball,
    relax: "lines",
  });
  const [lower, negated] = split(knownBounds(bounds, { network, boxes }), 2, 1) as [Tensor, Tensor];
  return { lower, upper: neg(negated) };
}

/**
 * Bounds [B, rows], or -3e38 where an interval has left the numbers that float32 can tell: beyond, infinities may cancel.
 */
function knownBounds(bounds: Tensor, { network, boxes }: Pick<Setting, "network" | "boxes">): Tensor {
  const sizes = network.calls.flatMap(({ kernel, outputs }) => {
    if (!LINEAR_KERNELS[kernel]?.rounding) return [];
    const { lower, upper } = boxes.get(outputs[0]!.id)!;
    const batch = network.batch;
    return [sum(reshape(add(abs(lower), abs(upper)), [batch, sizeOf(lower.shape) / batch]), 1, true)];
  });
  const total = sizes.length > 0 ? broadcastTo(sizes.reduce(add), bounds.shape) : zeros(bounds.shape);
  return where(greater(1e30, total), bounds, mul(ones(bounds.shape), -3e38));
}
