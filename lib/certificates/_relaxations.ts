import {
  abs,
  add,
  cast,
  div,
  greater,
  type KernelCall,
  logicalAnd,
  maximum,
  minimum,
  mul,
  neg,
  relu,
  sub,
  type Tensor,
  where,
  zerosLike,
} from "../engine/mod.ts";
import { apply, type Box, type Boxes, boxOf, magnitudeOf } from "./_boxes.ts";
import { notCovered } from "./_not_covered.ts";
import { up } from "./_rounding.ts";

/** Two lines between which a function of one number lies on an interval: slope x + offset, elementwise. */
export interface Lines {
  /** Of the line below. */
  readonly lower: { readonly slope: Tensor; readonly offset: Tensor };
  /** Of the line above. */
  readonly upper: { readonly slope: Tensor; readonly offset: Tensor };
  /** 1 where the slope of the line below may be any number between 0 and 1, else 0; nowhere where omitted. */
  readonly free?: Tensor;
}

/** What is known of a nonlinear kernel. */
export interface Relaxation {
  /** Box of its output from those of its operands. */
  readonly box: (call: KernelCall, boxes: Boxes) => Box[];
  /** Name of the operand that depends on the input. */
  readonly operand: (call: KernelCall) => string;
  /** Lines around it; where omitted, only the ends of the output's box are used. */
  readonly lines?: (call: KernelCall, boxes: Boxes) => Lines;
}

const first = ({ operands }: KernelCall): string => Object.keys(operands)[0]!;

/** A function that does not fall: its ends go to its ends. */
function monotone(call: KernelCall, boxes: Boxes): Box[] {
  const key = first(call);
  const { lower, upper } = boxOf(call.operands[key]!, boxes);
  return [{ lower: apply(call, { [key]: lower })[0]!, upper: apply(call, { [key]: upper })[0]! }];
}

/**
 * Lines around max(t, 0) on [l, u]: above, s t + max(-s l, u - s u) with s = u / (u - l), which holds for any s as the
 * function is convex; below, slope t.
 *
 * Source: Zhang et al., "Efficient neural network robustness certification with general activation functions" (2018),
 * table 2 and section 3.3 (adaptive slopes).
 */
function rectifierLines(box: Box): Lines {
  const high = relu(box.upper);
  const low = relu(neg(box.lower));
  const slope = div(high, maximum(add(high, low), 1e-30));
  const offset = maximum(mul(slope, low), mul(high, sub(1, slope)));
  // 1 where max(t, 0) is nearer to t than to 0: so where it is on, and 0 where it is off.
  const nearer = cast(greater(high, low), "float32");
  const free = cast(logicalAnd(greater(high, 0), greater(low, 0)), "float32");
  return { lower: { slope: nearer, offset: zerosLike(nearer) }, upper: { slope, offset: up(offset) }, free };
}

/** max(x, c) = c + max(x - c, 0), or min(x, c) = c - max(c - x, 0), c a constant. */
function bounded(sign: 1 | -1): Relaxation {
  const sides = (call: KernelCall, boxes: Boxes) => {
    const { a, b } = call.operands as Record<"a" | "b", KernelCall["operands"][string]>;
    if ("value" in a && "value" in b) notCovered(call);
    const x = boxOf("value" in a ? a : b, boxes);
    const [c] = "value" in a ? ["constant" in b && b.constant] : ["constant" in a && a.constant];
    const constant = c as Tensor;
    // Differences are rounded once, so what they tell of the sign is true.
    const t = sign === 1
      ? { lower: sub(x.lower, constant), upper: sub(x.upper, constant) }
      : { lower: sub(constant, x.upper), upper: sub(constant, x.lower) };
    return { x, constant, t: { lower: sub(t.lower, mul(abs(t.lower), 2 ** -22)), upper: up(t.upper) } };
  };
  return {
    operand: ({ operands }) => "value" in operands.a! ? "a" : "b",
    box: (call, boxes) => {
      const { x, constant } = sides(call, boxes);
      const end = sign === 1 ? maximum : minimum;
      return [{ lower: end(x.lower, constant), upper: end(x.upper, constant) }];
    },
    lines: (call, boxes) => {
      const { constant, t } = sides(call, boxes);
      const { lower, upper } = rectifierLines(t);
      // s (x - c) + o + c, or c - s (c - x) - o.
      const moved = ({ slope, offset }: Lines["lower"], outward: 1 | -1) => {
        const kept = mul(constant, sub(1, slope));
        const rounding = mul(add(abs(constant), abs(offset)), outward * 2 ** -20);
        return { slope, offset: add(sign === 1 ? add(kept, offset) : sub(kept, offset), rounding) };
      };
      return sign === 1
        ? { lower: moved(lower, -1), upper: moved(upper, 1) }
        : { lower: moved(upper, -1), upper: moved(lower, 1) };
    },
  };
}

/** What libraries' approximations of transcendental functions may be off by, as a part of 1 + |x|. */
const APPROXIMATION = 2e-6;

/**
 * A smooth function: it lies within max |f''| (u - l)^2 / 8 of the chord over [l, u] (the error of linear interpolation),
 * or else within its least and largest number there, whichever pair of lines is closer.
 *
 * @param curvature A bound of |f''|.
 * @param least The function's minimum and where it is, if it has one; else it does not fall.
 */
function smooth(curvature: number, least?: { readonly at: number; readonly value: number }): Relaxation {
  const evaluate = (call: KernelCall, x: Tensor) => apply(call, { [first(call)]: x })[0]!;
  const wrong = (box: Box) => mul(add(magnitudeOf(box), 1), APPROXIMATION);
  const box = (call: KernelCall, boxes: Boxes): Box => {
    const x = boxOf(call.operands[first(call)]!, boxes);
    const [a, b] = [evaluate(call, x.lower), evaluate(call, x.upper)];
    const slack = wrong(x);
    let lower = minimum(a, b);
    if (least) {
      const passes = logicalAnd(greater(least.at + 1e-3, x.lower), greater(x.upper, least.at - 1e-3));
      lower = where(passes, mul(add(zerosLike(a), 1), least.value), lower);
    }
    return { lower: sub(lower, slack), upper: add(maximum(a, b), slack) };
  };
  return {
    operand: first,
    box: (call, boxes) => [box(call, boxes)],
    lines: (call, boxes) => {
      const x = boxOf(call.operands[first(call)]!, boxes);
      const flat = box(call, boxes);
      const [a, b] = [evaluate(call, x.lower), evaluate(call, x.upper)];
      const width = sub(x.upper, x.lower);
      const slope = div(sub(b, a), maximum(width, 1e-6));
      const rounding = add(mul(wrong(x), 4), mul(mul(abs(slope), add(width, magnitudeOf(x))), 2e-6));
      const away = add(mul(mul(width, width), curvature / 8 * (1 + 2 ** -20)), rounding);
      const start = sub(a, mul(slope, x.lower));
      const better = logicalAnd(greater(sub(flat.upper, flat.lower), mul(away, 2)), greater(width, 1e-4));
      const chosen = where(better, slope, zerosLike(slope));
      return {
        lower: { slope: chosen, offset: where(better, sub(start, away), flat.lower) },
        upper: { slope: chosen, offset: where(better, add(start, away), flat.upper) },
      };
    },
  };
}

/** Largest |f''| of the Gaussian error linear unit, at 0: 2 phi(0) = 0.7979; its minimum is -0.16998 (-0.17005 by tanh). */
const GELU = smooth(0.8, { at: -0.7518, value: -0.1701 });

/** The nonlinear kernels. */
export const RELAXATIONS: Readonly<Record<string, Relaxation>> = {
  Relu: {
    operand: first,
    box: monotone,
    lines: (call, boxes) => rectifierLines(boxOf(call.operands.x!, boxes)),
  },
  Maximum: bounded(1),
  Minimum: bounded(-1),
  ClipByValue: { operand: first, box: monotone },
  MaxPool2D: { operand: first, box: monotone },
  // Largest |f''|: 4 / (3 sqrt 3), 1 / (6 sqrt 3), 1 / 4.
  Tanh: smooth(0.7699),
  Sigmoid: smooth(0.0963),
  Softplus: smooth(0.2501),
  Gelu: GELU,
};
