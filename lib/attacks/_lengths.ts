import { abs, div, maxConstant, maximum, mul, sqrt, square, sum, type Tensor } from "../engine/mod.ts";
import type { Norm } from "./attack.ts";

/**
 * Lengths of vectors in a norm, traced; vectors of any size are served.
 *
 * @param d Vectors [B, D].
 * @param norm The norm.
 * @returns Lengths [B, 1].
 */
export function lengths(d: Tensor, norm: Norm): Tensor {
  return LENGTHS[norm](d);
}

const LENGTHS: { readonly [N in Norm]: (d: Tensor) => Tensor } = {
  Linf: (d) => maxConstant(abs(d), 1, true),
  L2: (d) => {
    // By the largest entry, so that squares neither overflow nor vanish; 1.2e-38 is the smallest normal float32.
    const largest = maximum(maxConstant(abs(d), 1, true), 1.2e-38);
    return mul(largest, sqrt(sum(square(div(d, largest)), 1, true)));
  },
  L1: (d) => sum(abs(d), 1, true),
};

/** The norm in which a gradient is measured where images are measured in another: |<g, d>| <= ||g|| ||d||. */
export const DUAL: { readonly [N in Norm]: Norm } = { Linf: "L1", L2: "L2", L1: "Linf" };
