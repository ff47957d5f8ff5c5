import type { NdArray } from "../core/mod.ts";
import {
  abs,
  add,
  cast,
  clip,
  div,
  greater,
  greaterEqual,
  logicalAnd,
  maxConstant,
  maximum,
  minimum,
  mul,
  sign,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  where,
  zerosLike,
} from "../engine/mod.ts";
import type { Norm } from "./attack.ts";

/**
 * Brings images back into the ball around x and the pixel box [0,1], traced.
 *
 * - Linf: min(max(xAdv, x - eps, 0), x + eps, 1), which is the nearest such image.
 * - L2: d = xAdv - x is shortened to d * min(1, eps / ||d||), then the image is clipped to the box. Clipping only
 *   shortens the coordinates of d, as x is inside the box, so the image stays in the ball; where it clips, the nearest
 *   image of ball and box together would be a slightly different one.
 * - L1: the nearest image of ball and box together (Croce and Hein 2021, proposition 3): every |d_i| is shortened by the
 *   same t and cut at its room r_i to the border of the box, where t >= 0 is the least for which
 *   sum_i min(max(|d_i| - t, 0), r_i) <= eps; t is found by bisection and then solved for exactly.
 *
 * @param xAdv Images [B, H, W, C].
 * @param x Their centres in [0,1], [B, H, W, C].
 * @param norm Norm of the ball, over all of an image's pixels.
 * @param eps Radius in pixel units, a scalar.
 * @returns Images [B, H, W, C] inside both, to float32 rounding.
 */
export function project(xAdv: Tensor, x: Tensor, norm: Norm, eps: Tensor): Tensor {
  return PROJECT[norm](xAdv, x, eps);
}

const PROJECT: { readonly [N in Norm]: (xAdv: Tensor, x: Tensor, eps: Tensor) => Tensor } = {
  Linf: (xAdv, x, eps) => minimum(maximum(xAdv, maximum(sub(x, eps), 0)), minimum(add(x, eps), 1)),
  L2: (xAdv, x, eps) => {
    const d = sub(xAdv, x);
    const length = sqrt(sum(square(d), axesOfImage(x), true));
    // The floor only avoids 0/0: pixel differences in float32 are 0 or far longer.
    return clip(add(x, mul(d, minimum(div(eps, maximum(length, 1e-12)), 1))), 0, 1);
  },
  L1: (xAdv, x, eps) => {
    const axes = axesOfImage(x);
    const total = (each: Tensor) => sum(each, axes, true);
    const d = sub(xAdv, x);
    const length = abs(d);
    const room = where(greater(d, 0), sub(1, x), x);
    const shortened = (t: Tensor) => minimum(maximum(sub(length, t), 0), room);
    let low = zerosLike(total(length));
    let high = maxConstant(length, axes, true);
    for (let k = 0; k < HALVINGS; k++) {
      const middle = mul(add(low, high), 0.5);
      const tooLong = greater(total(shortened(middle)), eps);
      low = where(tooLong, middle, low);
      high = where(tooLong, high, middle);
    }
    // Between low and high the sum is linear in t: its slope is the number of pixels that t still shortens.
    const over = sub(total(shortened(low)), eps);
    const free = logicalAnd(greater(length, low), greaterEqual(room, sub(length, low)));
    const slope = maximum(total(cast(free, "float32")), 1);
    const t = where(greater(over, 0), minimum(add(low, div(over, slope)), high), low);
    return clip(add(x, mul(sign(d), shortened(t))), 0, 1);
  },
};

/**
 * Direction of length 1 in which the loss rises fastest to first order, traced: sign(g) for Linf, g / ||g|| for L2.
 *
 * A gradient of zero gives no step. Gradients of any size are served (g is divided by its largest entry before it is
 * squared), so that nothing is lost where a confident classifier's gradient is 1e-30.
 *
 * @param grad Gradient of the loss [B, H, W, C].
 * @param norm Norm in which the step is measured.
 * @returns Direction [B, H, W, C].
 */
export function steepestStep(grad: Tensor, norm: Exclude<Norm, "L1">): Tensor {
  return STEEPEST[norm](grad);
}

const STEEPEST: { readonly [N in Exclude<Norm, "L1">]: (grad: Tensor) => Tensor } = {
  Linf: (grad) => sign(grad),
  L2: (grad) => {
    const axes = axesOfImage(grad);
    const largest = maxConstant(abs(grad), axes, true);
    // 1e-38 is the smallest normal float32: below it the quotient is 0 or no longer than it should be.
    const scaled = div(grad, maximum(largest, 1.2e-38));
    // The largest entry of `scaled` is 1, so its length is at least 1, unless the gradient is zero.
    return div(scaled, maximum(sqrt(sum(square(scaled), axes, true)), 1));
  },
};

/**
 * Brings images back into the ball around x and the pixel box [0,1], in plain float32 and without an engine: the last
 * word on what an attack returned. The same operation as {@linkcode project}.
 *
 * @param xAdv Images [B, H, W, C].
 * @param x Their centres in [0,1], [B, H, W, C].
 * @param norm Norm of the ball.
 * @param eps Radius in pixel units.
 * @returns New images [B, H, W, C]: ||xAdv - x|| <= eps to float32 rounding, and exactly in [0,1].
 */
export function projectImages(
  xAdv: NdArray<"float32">,
  x: NdArray<"float32">,
  norm: Norm,
  eps: number,
): NdArray<"float32"> {
  const data = new Float32Array(x.data.length);
  const pixels = x.data.length / (x.shape[0] || 1);
  for (let from = 0; from < data.length; from += pixels) {
    PROJECT_IMAGE[norm](
      data.subarray(from, from + pixels),
      xAdv.data.subarray(from, from + pixels),
      x.data.subarray(from, from + pixels),
      eps,
    );
  }
  return { dtype: "float32", shape: x.shape, data };
}

/** Writes the projection of one image. */
type ProjectImage = (to: Float32Array, xAdv: Float32Array, x: Float32Array, eps: number) => void;

const PROJECT_IMAGE: { readonly [N in Norm]: ProjectImage } = {
  Linf: (to, xAdv, x, eps) => {
    const radius = Math.fround(eps);
    to.forEach((_, i) => {
      const low = Math.max(Math.fround(x[i]! - radius), 0);
      const high = Math.min(Math.fround(x[i]! + radius), 1);
      to[i] = Math.min(Math.max(xAdv[i]!, low), high);
    });
  },
  L2: (to, xAdv, x, eps) => {
    const factor = shortening(xAdv, x, Math.fround(eps));
    to.forEach((_, i) => {
      const moved = factor === 1 ? xAdv[i]! : x[i]! + (xAdv[i]! - x[i]!) * factor;
      to[i] = Math.min(Math.max(moved, 0), 1);
    });
  },
  L1: (to, xAdv, x, eps) => {
    const t = cut(xAdv, x, Math.fround(eps));
    to.forEach((_, i) => {
      const d = xAdv[i]! - x[i]!;
      const moved = t === 0 ? xAdv[i]! : x[i]! + Math.sign(d) * Math.max(Math.abs(d) - t, 0);
      to[i] = Math.min(Math.max(moved, 0), 1);
    });
  },
};

/** eps / ||d|| where d is longer than eps by more than float32 rounding of the pixels, else 1: what fits stays. */
function shortening(xAdv: Float32Array, x: Float32Array, eps: number): number {
  let squares = 0;
  for (let i = 0; i < x.length; i++) squares += (xAdv[i]! - x[i]!) ** 2;
  const length = Math.sqrt(squares);
  return length > eps + 5e-7 ? eps / length : 1;
}

/** How much every |d_i| is shortened so that their sum inside the box is eps; 0 where it is no more than that. */
function cut(xAdv: Float32Array, x: Float32Array, eps: number): number {
  const room = Float64Array.from(x, (pixel, i) => xAdv[i]! > pixel ? 1 - pixel : pixel);
  const length = Float64Array.from(x, (pixel, i) => Math.abs(xAdv[i]! - pixel));
  const sumAt = (t: number) => length.reduce((sum, each, i) => sum + Math.min(Math.max(each - t, 0), room[i]!), 0);
  // Every changed pixel rounds to float32 on its own: what fits but for that stays.
  const changed = length.filter((each) => each !== 0).length;
  if (!(sumAt(0) > eps + 5e-7 + 3e-8 * changed)) return 0;
  let low = 0;
  let high = length.reduce((most, each) => Math.max(most, each), 0);
  for (let k = 0; k < 60; k++) {
    const middle = (low + high) / 2;
    if (sumAt(middle) > eps) low = middle;
    else high = middle;
  }
  return high;
}

/** Halvings of the bisection for t: more than float32 can tell apart. */
const HALVINGS = 26;

function axesOfImage(x: Tensor): number[] {
  return x.shape.slice(1).map((_, axis) => axis + 1);
}
