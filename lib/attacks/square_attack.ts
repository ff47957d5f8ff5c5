import type { SquareSpec } from "./attack.ts";
import { bumpSquares } from "./_square_bumps.ts";
import { signSquares } from "./_square_signs.ts";
import { windowShare, windowSize } from "./_square_windows.ts";
import type { SlotAttack, SlotSetting } from "./slot_attack.ts";

/**
 * Square attack: a random search that asks for logits alone. Every query changes the best image so far inside a square
 * window at a random place, of a size that shrinks with the queries, and keeps the change where the margin falls.
 *
 * - Linf: starts from vertical stripes x + eps * (+-1); a window sets every channel to x + eps or x - eps.
 * - L2, L1: starts from 5 x 5 tiles with a bump each; a window gets a new bump, paid for by what a second window had.
 *
 * The first of the `queries` forward passes looks at the start.
 *
 * @param spec Its settings.
 * @param setting Shape of the images, and the stream; draws are keyed by image id, trial and query below it.
 * @returns The attack.
 *
 * Differs from fra31/auto-attack in drawing the place of a window for every image instead of every batch, in
 * letting windows reach the last row and column, as the paper does, in counting the start among the queries, and in
 * always having 5 x 5 tiles, whatever the size of the image.
 *
 * Source: Andriushchenko, Croce, Flammarion, Hein, "Square attack: a query-efficient black-box adversarial attack via
 * random search" (2020), algorithms 1 to 3; fra31/auto-attack a392200, square.py, for L1 and the rescaled schedule.
 */
export function squareAttack(spec: SquareSpec, { inputShape, rng }: SlotSetting): SlotAttack {
  const { norm = "Linf", queries = 5000, pInit = 0.8, restarts = 1 } = spec;
  const [height, width, channels] = inputShape as [number, number, number];
  const shape = { height, width, channels };
  const draws = rng.child("square");
  const sizes = Array.from(
    { length: queries },
    (_, window) => windowSize(windowShare(window, queries, pInit), height, width, norm),
  );
  return {
    steps: queries,
    trials: restarts,
    forwardPasses: 1,
    backwardPasses: 0,
    greedy: true,
    ...norm === "Linf" ? signSquares(shape, sizes, draws) : bumpSquares(norm, shape, sizes, draws),
  };
}
