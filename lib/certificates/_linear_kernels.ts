import { sizeOf } from "../core/mod.ts";
import {
  abs,
  add,
  div,
  type KernelCall,
  maximum,
  minimum,
  mul,
  neg,
  relu,
  sqrt,
  square,
  sub,
  type Tensor,
} from "../engine/mod.ts";
import { apply, ballOf, type Box, type Boxes, boxOf, magnitudeOf } from "./_boxes.ts";
import { notCovered } from "./_not_covered.ts";
import { down, slackOf, up } from "./_rounding.ts";

/** What is known of a kernel that is linear in the operands that depend on the input, up to constants that it adds. */
export interface LinearKernel {
  /** Boxes of its outputs from those of its operands. */
  readonly box: (call: KernelCall, boxes: Boxes) => Box[];
  /**
   * For every element of its outputs an upper bound of the sum of the absolute values of its terms, and how many terms
   * an element has when factors are pulled back; undefined where elements are only moved.
   */
  readonly rounding?: (call: KernelCall, boxes: Boxes) => { readonly magnitudes: Tensor[]; readonly terms: number };
  /** The constants that it adds: the factor of each; none where omitted. */
  readonly adds?: Readonly<Record<string, 1 | -1>> | "all";
}

/** Elements in another order, with others between them, or left out. */
const MOVE: LinearKernel = {
  box: (call, boxes) => {
    const { constantValue = 0, dtype = "float32" } = call.attributes;
    if (constantValue !== 0 || dtype !== "float32") notCovered(call);
    const ends = (pick: (box: Box) => Tensor) =>
      apply(call, Object.fromEntries(Object.entries(call.operands).map(([key, it]) => [key, pick(boxOf(it, boxes))])));
    const lower = ends((box) => box.lower);
    const upper = ends((box) => box.upper);
    const [only, ...others] = Object.values(call.operands);
    const { spread } = others.length === 0 ? boxOf(only!, boxes) : {};
    const spreads = spread && ends((box) => box.spread!);
    return lower.map((end, i) => ({ lower: end, upper: upper[i]!, ...(spreads && { spread: spreads[i]! }) }));
  },
};

const pair = ({ operands }: KernelCall, boxes: Boxes): readonly [Box, Box] => [
  boxOf(operands.a!, boxes),
  boxOf(operands.b!, boxes),
];

/** The spread of a + b or a - b where one of them is a constant that does not repeat the other. */
function shiftedSpread({ operands, outputs }: KernelCall, boxes: Boxes): { readonly spread?: Tensor } {
  const [only, ...others] = Object.values(operands).filter((operand) => "value" in operand);
  const { spread } = boxOf(only!, boxes);
  const kept = others.length === 0 && spread && sizeOf(spread.shape) === sizeOf(outputs[0]!.shape);
  return kept ? { spread } : {};
}

/** How often an operand is repeated by broadcasting, at most: that many factors are added up when they are pulled back. */
function repeats({ operands, outputs }: KernelCall): number {
  const sizes = Object.values(operands).flatMap((it) => "value" in it ? [sizeOf(it.value.shape)] : []);
  return Math.ceil(sizeOf(outputs[0]!.shape) / Math.min(...sizes));
}

const ADDITION: Omit<LinearKernel, "box" | "adds"> = {
  rounding: (call, boxes) => {
    const terms = Object.values(call.operands).map((operand) => magnitudeOf(boxOf(operand, boxes)));
    return { magnitudes: [terms.reduce(add)], terms: repeats(call) };
  },
};

/** x times or by a constant. */
function scaling(operation: (x: Tensor, constant: Tensor) => Tensor): LinearKernel {
  return {
    box: (call, boxes) => {
      const { key, constant } = factorOf(call);
      if (call.kernel === "RealDiv" && key !== "a") notCovered(call);
      const { lower, upper, spread } = boxOf(call.operands[key]!, boxes);
      const [a, b] = [operation(lower, constant), operation(upper, constant)];
      const kept = spread && sizeOf(spread.shape) === sizeOf(a.shape);
      return [{
        lower: down(minimum(a, b)),
        upper: up(maximum(a, b)),
        ...(kept && { spread: up(operation(spread, abs(constant))) }),
      }];
    },
    rounding: (call, boxes) => {
      const { key, constant } = factorOf(call);
      const magnitude = operation(magnitudeOf(boxOf(call.operands[key]!, boxes)), abs(constant));
      return { magnitudes: [magnitude], terms: repeats(call) };
    },
  };
}

/** The operand of a product that depends on the input, and the other, which must not. */
function factorOf(call: KernelCall): { readonly key: string; readonly other: string; readonly constant: Tensor } {
  const [[one, a], [two, b]] = Object.entries(call.operands) as [
    [string, KernelCall["operands"][string]],
    [string, KernelCall["operands"][string]],
  ];
  if ("constant" in b) return { key: one, other: two, constant: b.constant };
  if ("constant" in a) return { key: two, other: one, constant: a.constant };
  return notCovered(call);
}

/** Terms of an element of the result, and of an element of the operand when factors are pulled back. */
type Terms = (call: KernelCall) => { readonly forward: number; readonly back: number };

/** Sums of products with a constant. */
function products(termsOf: Terms): LinearKernel {
  return {
    box: (call, boxes) => {
      const { key, other, constant } = factorOf(call);
      const box = boxOf(call.operands[key]!, boxes);
      const { centre, radius } = ballOf(box);
      const weights = { [other]: abs(constant) };
      const slack = slackOf(termsOf(call).forward);
      // Errors are a part of the sums of the absolute values: as if each operand were that much less certain.
      const rounding = mul(add(abs(centre), radius), slack);
      const middle = apply(call, { [key]: centre, [other]: constant })[0]!;
      const reach = (x: Tensor) => apply(call, { [key]: x, ...weights })[0]!;
      let away: Tensor;
      if (box.spread) {
        const length = sqrt(apply(call, { [key]: square(box.spread), [other]: square(constant) })[0]!);
        // What rounding has added to the intervals so far, no part of the ball.
        const more = add(relu(sub(radius, box.spread)), mul(box.spread, 2 ** -16));
        away = add(mul(length, 1 + slack), reach(add(more, rounding)));
      } else away = reach(add(radius, rounding));
      return [{ lower: down(sub(middle, up(away))), upper: up(add(middle, up(away))) }];
    },
    rounding: (call, boxes) => {
      const { key, other, constant } = factorOf(call);
      const magnitude = magnitudeOf(boxOf(call.operands[key]!, boxes));
      return {
        magnitudes: apply(call, { [key]: magnitude, [other]: abs(constant) }),
        terms: Math.max(...Object.values(termsOf(call))),
      };
    },
  };
}

const convolutionTerms = (filterKey: string): Terms => (call) => {
  const { constant } = factorOf(call);
  const { x, [filterKey]: filter } = call.operands;
  if (!("value" in x!) || filter === undefined) return notCovered(call);
  const [height = 0, width = 0, inputs = 0, outputs = 0] = constant.shape;
  const groups = x.value.shape.at(-1)! / inputs;
  return { forward: height * width * inputs, back: height * width * outputs / groups };
};

const matrixTerms: Terms = (call) => {
  const { constant } = factorOf(call);
  return { forward: Math.max(...constant.shape.slice(-2)), back: Math.max(...constant.shape.slice(-2)) };
};

/** Sums or means over axes. */
const TOTAL: LinearKernel = {
  box: (call, boxes) => {
    const { lower, upper } = boxOf(call.operands.x!, boxes);
    const slack = slackOf(reduced(call));
    const total = (x: Tensor) => apply(call, { x })[0]!;
    return [{
      lower: down(sub(total(lower), mul(total(abs(lower)), slack))),
      upper: up(add(total(upper), mul(total(abs(upper)), slack))),
    }];
  },
  rounding: (call, boxes) => ({
    magnitudes: apply(call, { x: magnitudeOf(boxOf(call.operands.x!, boxes)) }),
    terms: 1,
  }),
};

function reduced({ operands, outputs }: KernelCall): number {
  const { x } = operands;
  return "value" in x! ? sizeOf(x.value.shape) / sizeOf(outputs[0]!.shape) : 1;
}

/** The kernels that are linear where all operands but one, or all but those that are added, are constants. */
export const LINEAR_KERNELS: Readonly<Record<string, LinearKernel>> = {
  Identity: MOVE,
  Cast: MOVE,
  Reshape: MOVE,
  ExpandDims: MOVE,
  Transpose: MOVE,
  Slice: MOVE,
  SplitV: MOVE,
  PadV2: MOVE,
  Concat: { ...MOVE, adds: "all" },
  Add: {
    ...ADDITION,
    adds: { a: 1, b: 1 },
    box: (call, boxes) => {
      const [a, b] = pair(call, boxes);
      return [{ lower: down(add(a.lower, b.lower)), upper: up(add(a.upper, b.upper)), ...shiftedSpread(call, boxes) }];
    },
  },
  Sub: {
    ...ADDITION,
    adds: { a: 1, b: -1 },
    box: (call, boxes) => {
      const [a, b] = pair(call, boxes);
      return [{ lower: down(sub(a.lower, b.upper)), upper: up(sub(a.upper, b.lower)), ...shiftedSpread(call, boxes) }];
    },
  },
  AddN: {
    ...ADDITION,
    adds: "all",
    box: (call, boxes) => {
      const terms = Object.values(call.operands).map((operand) => boxOf(operand, boxes));
      const slack = mul(terms.map(magnitudeOf).reduce(add), slackOf(terms.length));
      const [lower, upper] = [terms.map((box) => box.lower), terms.map((box) => box.upper)];
      return [{ lower: down(sub(lower.reduce(add), slack)), upper: up(add(upper.reduce(add), slack)) }];
    },
  },
  Neg: {
    box: (call, boxes) => {
      const { lower, upper, spread } = boxOf(call.operands.x!, boxes);
      return [{ lower: neg(upper), upper: neg(lower), ...(spread && { spread }) }];
    },
  },
  Multiply: scaling(mul),
  RealDiv: scaling(div),
  Sum: TOTAL,
  Mean: TOTAL,
  Conv2D: products(convolutionTerms("filter")),
  GroupedConv2D: products(convolutionTerms("w")),
  BatchMatMul: products(matrixTerms),
};
