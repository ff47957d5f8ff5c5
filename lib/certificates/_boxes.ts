import {
  abs,
  add,
  type KernelCall,
  maximum,
  minimum,
  mul,
  type RecordedOperand,
  runRecorded,
  sub,
  type Tensor,
} from "../engine/mod.ts";

/** An interval for every element of a tensor. */
export interface Box {
  /** Lower ends. */
  readonly lower: Tensor;
  /** Upper ends. */
  readonly upper: Tensor;
  /**
   * For a ball of the Euclidean norm, as long as elements are only moved and scaled: each is the middle of its interval
   * plus `spread` times an element of a vector of length at most 1, of which no two have the same.
   */
  readonly spread?: Tensor;
}

/** Boxes of the values of a network by number. */
export type Boxes = ReadonlyMap<number, Box>;

/** The box of an operand; of a constant, itself. */
export function boxOf(operand: RecordedOperand, boxes: Boxes): Box {
  if ("constant" in operand) return { lower: operand.constant, upper: operand.constant };
  return boxes.get(operand.value.id)!;
}

/** The largest absolute value of a box, elementwise. */
export function magnitudeOf({ lower, upper }: Box): Tensor {
  return maximum(abs(lower), abs(upper));
}

/** What two boxes share. */
export function intersect(a: Box, b: Pick<Box, "lower" | "upper">): Box {
  return { ...a, lower: maximum(a.lower, b.lower), upper: minimum(a.upper, b.upper) };
}

/** Centre and radius of a box: every number in it is at most `radius` from `centre`, as floats. */
export function ballOf({ lower, upper }: Box): { readonly centre: Tensor; readonly radius: Tensor } {
  const centre = mul(add(lower, upper), 0.5);
  // The larger of two differences, each rounded once.
  return { centre, radius: mul(maximum(sub(upper, centre), sub(centre, lower)), 1 + 2 ** -22) };
}

/** Applies a call to tensors in place of the operands that depend on the input. */
export function apply(call: KernelCall, operands: Readonly<Record<string, Tensor>>): Tensor[] {
  const all = Object.fromEntries(
    Object.entries(call.operands).map(([key, it]) => [key, operands[key] ?? ("constant" in it && it.constant)]),
  );
  return runRecorded(call, all as Record<string, Tensor>);
}
