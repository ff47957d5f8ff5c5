import type { NdArray } from "../core/mod.ts";
import {
  abs,
  add,
  clip,
  div,
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
} from "../engine/mod.ts";
import type { Norm } from "./attack.ts";

/**
 * Brings images back into the ball around x and the pixel box [0,1], traced.
 *
 * - Linf: min(max(xAdv, x - eps, 0), x + eps, 1), which is the nearest such image.
 * - L2: d = xAdv - x is shortened to d * min(1, eps / ||d||), then the image is clipped to the box. Clipping only
 *   shortens the coordinates of d, as x is inside the box, so the image stays in the ball; where it clips, the nearest
 *   image of ball and box together would be a slightly different one.
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
export function steepestStep(grad: Tensor, norm: Norm): Tensor {
  return STEEPEST[norm](grad);
}

const STEEPEST: { readonly [N in Norm]: (grad: Tensor) => Tensor } = {
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
  const radius = Math.fround(eps);
  const data = new Float32Array(x.data.length);
  const pixels = x.data.length / (x.shape[0] || 1);
  for (let from = 0; from < data.length; from += pixels) {
    const factor = norm === "Linf" ? 1 : shortening(xAdv.data, x.data, from, from + pixels, radius);
    for (let i = from; i < from + pixels; i++) {
      const centre = x.data[i]!;
      const low = norm === "Linf" ? Math.fround(centre - radius) : 0;
      const high = norm === "Linf" ? Math.fround(centre + radius) : 1;
      const moved = factor === 1 ? xAdv.data[i]! : centre + (xAdv.data[i]! - centre) * factor;
      data[i] = Math.min(Math.max(moved, low, 0), high, 1);
    }
  }
  return { dtype: "float32", shape: x.shape, data };
}

/** eps / ||d|| where d is longer than eps by more than float32 rounding of the pixels, else 1: what fits stays. */
function shortening(xAdv: Float32Array, x: Float32Array, from: number, to: number, eps: number): number {
  let squares = 0;
  for (let i = from; i < to; i++) squares += (xAdv[i]! - x[i]!) ** 2;
  const length = Math.sqrt(squares);
  return length > eps + 5e-7 ? eps / length : 1;
}

function axesOfImage(x: Tensor): number[] {
  return x.shape.slice(1).map((_, axis) => axis + 1);
}
