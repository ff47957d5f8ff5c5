import {
  abs,
  add,
  cast,
  div,
  greater,
  greaterEqual,
  maxConstant,
  maximum,
  minimum,
  mul,
  neg,
  sign,
  sqrt,
  sub,
  sum,
  type Tensor,
  where,
  zerosLike,
} from "../engine/mod.ts";
import type { Norm } from "./attack.ts";

/** Passes over the pixels by Newton's method, for Linf and L2. */
const NEWTON_STEPS = 8;
/** Halvings of the logarithm of the threshold, for L1: 2^-24 of the largest weight to 1 becomes a ratio of 1 + 3e-4. */
const HALVINGS = 16;
/** Smallest weight that L1 tells from others, as a share of the largest: what float32 resolves. */
const SMALLEST = 2 ** -24;
/** In place of a divisor of zero; its inverse times any pixel is a float32. */
const TINY = 1e-30;

/**
 * The shortest way from points of the box [0,1]^D onto the part of a hyperplane that lies in the box: the d of smallest
 * norm with <w, d> = -gap and 0 <= x + d <= 1, traced. Where the hyperplane passes the box by, d goes to the corner
 * next to it; where w is zero, d is zero.
 *
 * With a = |w|, and u the way from each pixel to the border of the box on the side where the gap closes, every solution
 * has one number in it. Linf moves each pixel by min(t, u), L2 by min(t a, u), and the gap that is closed by that is
 * concave and piecewise linear in t: Newton's method from t = 0 never passes the root, is exact as soon as it has found
 * the pixels that are bound by the box (after 3 to 5 of the {@linkcode NEWTON_STEPS} steps unless most are), and
 * otherwise leaves a gap whose share, times that of the slope left, is below 4^-steps (the bound of Radzik, "Newton's
 * method for fractional combinatorial optimization", 1992). L1 moves pixels to the border in the order of their
 * weights: the weight at which the gap is closed is enclosed by bisection, and the pixels between the two ends move by
 * the same share of their way, which is longer than the shortest way by at most the ratio of the ends.
 *
 * Differs from the official code in using neither sorting nor a gather; in taking the gap itself, which is f(x), not
 * the difference of the two large numbers <w, x> and b; in a threshold of zero weights that is relative to the largest
 * weight (theirs is 1e-8); and, for L1, in splitting the last part of the way among pixels of nearly the same weight.
 *
 * Source: Croce and Hein, "Minimally distorted adversarial examples with a fast adaptive boundary attack" (2020),
 * equation (4) and appendix A; fra31/auto-attack a392200, autoattack/fab_projections.py.
 *
 * @param x Points in [0,1], [B, D].
 * @param w Normal vectors [B, D], of any length.
 * @param gap <w, x> - b [B, 1]: how far the point lies from the hyperplane, in units of the length of w.
 * @param norm What is shortest.
 * @returns d [B, D].
 */
export function towardsHyperplane(x: Tensor, w: Tensor, gap: Tensor, norm: Norm): Tensor {
  const size = abs(w);
  // By the largest weight, so that squares of weights neither overflow nor vanish.
  const largest = maximum(maxConstant(size, 1, true), 1.2e-38);
  const a = div(size, largest);
  const side = mul(sign(w), neg(sign(gap)));
  const u = where(greater(side, 0), sub(1, x), x);
  const au = mul(a, u);
  const reach = sum(au, 1, true);
  const wanted = minimum(div(abs(gap), largest), reach);
  return mul(side, MOVED[norm]({ a, u, au, wanted, whole: greaterEqual(wanted, reach) }));
}

/** A gap to be closed: sum a m = wanted, 0 <= m <= u. */
interface Gap {
  readonly a: Tensor;
  readonly u: Tensor;
  readonly au: Tensor;
  /** [B, 1], at most sum a u. */
  readonly wanted: Tensor;
  /** Whether it takes the whole way [B, 1]. */
  readonly whole: Tensor;
}

/** The shortest m. */
const MOVED: { readonly [N in Norm]: (gap: Gap) => Tensor } = {
  Linf: ({ a, u, au, wanted, whole }) => minimum(level(u, a, au, wanted, whole), u),
  L2: ({ a, u, au, wanted, whole }) => {
    const t = level(div(u, maximum(a, TINY)), mul(a, a), au, wanted, whole);
    return minimum(mul(t, a), u);
  },
  L1: largestFirst,
};

/**
 * The root of sum min(t, k) slope = wanted, where slope * k is `bound`.
 *
 * @param k Where each pixel meets the border [B, D].
 * @returns t [B, 1].
 */
function level(k: Tensor, slope: Tensor, bound: Tensor, wanted: Tensor, whole: Tensor): Tensor {
  let t = zerosLike(wanted);
  for (let step = 0; step < NEWTON_STEPS; step++) {
    const stopped = cast(greaterEqual(t, k), "float32");
    const done = sum(mul(bound, stopped), 1, true);
    const left = sum(mul(slope, sub(1, stopped)), 1, true);
    // Never back: where all pixels are at the border, rounding alone decides the sign of what is wanted still.
    t = maximum(t, div(sub(wanted, done), maximum(left, TINY)));
  }
  return where(whole, add(zerosLike(wanted), 1 / TINY), t);
}

function largestFirst({ a, u, au, wanted }: Gap): Tensor {
  // Pixels of weights above `high` go all the way and close too little; those above `low` would close too much.
  let high = add(zerosLike(wanted), 1);
  let low = mul(high, SMALLEST);
  let closed = zerosLike(wanted);
  for (let step = 0; step < HALVINGS; step++) {
    const middle = sqrt(mul(low, high));
    const above = sum(mul(au, cast(greater(a, middle), "float32")), 1, true);
    const tooLittle = greaterEqual(wanted, above);
    closed = where(tooLittle, above, closed);
    high = where(tooLittle, middle, high);
    low = where(tooLittle, low, middle);
  }
  const all = cast(greater(a, high), "float32");
  // Below the smallest weight that is told from others, all are one.
  const end = where(greater(low, SMALLEST), low, zerosLike(low));
  const some = sub(cast(greater(a, end), "float32"), all);
  const share = minimum(div(sub(wanted, closed), maximum(sum(mul(au, some), 1, true), TINY)), 1);
  return mul(u, add(all, mul(some, share)));
}
