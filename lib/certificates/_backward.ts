import { sizeOf } from "../core/mod.ts";
import {
  abs,
  add,
  broadcastTo,
  type KernelCall,
  matMul,
  maximum,
  mul,
  neg,
  pullBack,
  relu,
  reshape,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  zeros,
} from "../engine/mod.ts";
import { apply, type Box, type Boxes, boxOf, magnitudeOf } from "./_boxes.ts";
import { LINEAR_KERNELS } from "./_linear_kernels.ts";
import type { Network } from "./_network.ts";
import { notCovered } from "./_not_covered.ts";
import { type Ball, boxAround } from "./_propagate.ts";
import { type Lines, RELAXATIONS } from "./_relaxations.ts";
import { down, slackOf } from "./_rounding.ts";

/** Where to begin, with what, and what is known. */
export interface Question {
  /** The network, recorded with a copy of every image for each row. */
  readonly network: Network;
  /** Rows per image. */
  readonly rows: number;
  /** Number of the value whose linear combinations are bounded. */
  readonly target: number;
  /** Factors of its elements, a row for each combination [B, rows, elements]. */
  readonly factors: Tensor;
  /** Boxes of all values, one per image. */
  readonly boxes: Boxes;
  /** The images. */
  readonly ball: Ball;
  /** "ends": nonlinear kernels are replaced by the ends of their boxes (IBP); "lines": by lines (CROWN). */
  readonly relax: "ends" | "lines";
  /** Slopes below rectifiers [B, rows, elements], by the place of the call; the adaptive ones where omitted. */
  readonly slopes?: ReadonlyMap<number, Tensor>;
}

/**
 * Lower bounds of linear combinations of a value of a network over balls of images, by going back from it: a combination
 * of the outputs of a linear kernel is one of its operands; one of a nonlinear kernel's is not less than one of its
 * operand, factors >= 0 taking the line below and factors < 0 the one above. At the images the least of what is left is
 * known.
 *
 * Rounding: each step's factors are off from the exact ones by at most gamma_n times the sum of the absolute values of
 * its terms, so the combination is off by at most gamma_n sum |factor| M, where M bounds the sum of absolute values of
 * the terms of the value itself; all of these are taken off (see `_rounding.ts`). Hence what comes back is not above the
 * exact minimum of the network in real arithmetic.
 *
 * Source: Zhang et al. (2018), section 3.2; Xu et al., "Automatic perturbation analysis for scalable certified robustness
 * and beyond" (2020), algorithm 1, for graphs.
 *
 * @returns Bounds [B, rows].
 */
export function lowerBounds(question: Question): Tensor {
  const { network, rows, target, boxes, ball, relax, slopes } = question;
  const batch = network.batch / rows;
  const last = network.calls.findIndex(({ outputs }) => outputs.some(({ id }) => id === target));
  const calls = network.calls.slice(0, last + 1);
  const totals = new Totals(batch, rows, calls.length);
  const factors = new Map<number, Tensor>();
  const collect = (id: number, more: Tensor) => {
    const before = factors.get(id);
    const all = before ? add(before, more) : more;
    factors.set(id, all);
    if (before) totals.charge(all, magnitudeOf(boxes.get(id)!), 2);
  };
  const shapes = new Map(network.calls.flatMap(({ outputs }) => outputs.map(({ id, shape }) => [id, shape])));
  const start = shapes.get(target);
  collect(target, start ? reshape(question.factors, [...start]) : question.factors);
  for (let at = calls.length - 1; at >= 0; at--) {
    const call = calls[at]!;
    if (!call.outputs.some(({ id }) => factors.has(id))) continue;
    const given = call.outputs.map(({ id, shape }) => factors.get(id) ?? zeros([...shape]));
    for (const { id } of call.outputs) factors.delete(id);
    const linear = LINEAR_KERNELS[call.kernel];
    if (linear) {
      const { magnitudes, terms } = linear.rounding?.(call, boxes) ?? { magnitudes: [], terms: 0 };
      magnitudes.forEach((magnitude, i) => totals.charge(given[i]!, magnitude, terms));
      for (const [key, operand] of Object.entries(call.operands)) {
        if ("value" in operand) {
          collect(operand.value.id, pullBack(call, given, key));
        } else if (linear.adds) {
          const sign = linear.adds === "all" ? 1 : linear.adds[key]!;
          totals.addConstant(call, given, key, operand.constant, sign);
        }
      }
      continue;
    }
    const relaxation = RELAXATIONS[call.kernel] ?? notCovered(call);
    const key = relaxation.operand(call);
    const operand = call.operands[key]!;
    const [row] = given as [Tensor];
    const [box] = call.outputs.map(({ id }) => boxes.get(id)!) as [Box];
    if (relax === "ends" || !("value" in operand)) {
      totals.addEnds(row, box.lower, box.upper);
    } else if (call.kernel === "MaxPool2D") {
      // Below a maximum: the element whose lower end is the largest. Above: the upper end.
      const x = boxes.get(operand.value.id)!;
      const positive = relu(row);
      const copies = repeatRows(x.lower, rows, operand.value.shape);
      collect(operand.value.id, pullBack(call, [positive], key, { [key]: copies }));
      totals.charge(positive, apply(call, { [key]: magnitudeOf(x) })[0]!, (call.attributes.size as number) ** 2);
      totals.addEnds(neg(relu(neg(row))), box.lower, box.upper);
    } else if (!relaxation.lines) {
      totals.addEnds(row, box.lower, box.upper);
    } else {
      const result = totals.addLines(row, relaxation.lines(call, boxes), slopes?.get(at));
      totals.charge(result, magnitudeOf(boxOf(operand, boxes)), 2);
      collect(operand.value.id, reshape(result, [...operand.value.shape]));
    }
  }
  const left = factors.get(0);
  return totals.result(left, ball);
}

/** What is the same for all rows of an image, once for each: [B, ...] -> [B * rows, ...], a shape that is given. */
function repeatRows(x: Tensor, rows: number, shape: readonly number[]): Tensor {
  const batch = x.shape[0]!;
  const elements = sizeOf(x.shape) / batch;
  return reshape(broadcastTo(reshape(x, [batch, 1, elements]), [batch, rows, elements]), [...shape]);
}

/** The constant part of the combinations, and what rounding may have done to them. */
class Totals {
  #value: Tensor;
  #slack: Tensor;

  constructor(readonly batch: number, readonly rows: number, readonly steps: number) {
    this.#value = zeros([batch, rows]);
    this.#slack = zeros([batch, rows]);
  }

  /** [B * rows, ...] or [B, rows, ...] as [B, rows, elements]. */
  #flat(x: Tensor): Tensor {
    return reshape(x, [this.batch, this.rows, sizeOf(x.shape) / (this.batch * this.rows)]);
  }

  /** [B, ...] as [B, 1, elements]; what is the same for all rows. */
  #image(x: Tensor): Tensor {
    return reshape(x, [this.batch, 1, sizeOf(x.shape) / this.batch]);
  }

  /** Takes off what a sum of `terms` may be off by, whose absolute values have the sum `magnitude`. */
  charge(factors: Tensor, magnitude: Tensor, terms: number): void {
    const column = reshape(magnitude, [this.batch, sizeOf(magnitude.shape) / this.batch, 1]);
    // A sum of numbers >= 0 in any order.
    const sums = reshape(matMul(abs(this.#flat(factors)), column), [this.batch, this.rows]);
    this.#slack = add(this.#slack, mul(sums, slackOf(terms)));
  }

  /** Adds the sums of products [B, rows, elements] over the elements. */
  #add(products: Tensor): void {
    const [value, terms] = total(products);
    this.#value = add(this.#value, value);
    this.#slack = add(this.#slack, mul(total(abs(products))[0], slackOf(terms + this.steps)));
  }

  /** Adds what a constant contributes. */
  addConstant(call: KernelCall, factors: readonly Tensor[], key: string, constant: Tensor, sign: 1 | -1): void {
    const own = call.kernel === "Concat" ? pullBack(call, factors, key) : factors[0]!;
    this.#add(this.#flat(mul(mul(own, constant), sign)));
  }

  /** Adds the ends of intervals, the lower ones for factors >= 0. */
  addEnds(factors: Tensor, lower: Tensor, upper: Tensor): void {
    const rows = this.#flat(factors);
    this.#add(sub(mul(relu(rows), this.#image(lower)), mul(relu(neg(rows)), this.#image(upper))));
  }

  /**
   * Adds the offsets of lines; their slopes make the factors of the operand [B, rows, elements], which come back.
   *
   * @param slopes Slopes to be taken below where they are free [B, rows, elements].
   */
  addLines(factors: Tensor, { lower, upper, free }: Lines, slopes: Tensor | undefined): Tensor {
    const rows = this.#flat(factors);
    const [positive, negative] = [relu(rows), relu(neg(rows))];
    this.#add(sub(mul(positive, this.#image(lower.offset)), mul(negative, this.#image(upper.offset))));
    let below = this.#image(lower.slope);
    if (free && slopes) {
      const mask = this.#image(free);
      below = add(mul(slopes, mask), mul(below, sub(1, mask)));
    }
    return sub(mul(positive, below), mul(negative, this.#image(upper.slope)));
  }

  /** The least of the combinations over the images. */
  result(factors: Tensor | undefined, ball: Ball): Tensor {
    if (factors === undefined) return down(sub(this.#value, this.#slack));
    const { x, eps, norm } = ball;
    const box = boxAround(ball, true);
    const rows = this.#flat(factors);
    const [value, slack] = [this.#value, this.#slack];
    this.addEnds(factors, box.lower, box.upper);
    const inBox = down(sub(this.#value, this.#slack));
    if (norm === "Linf") return inBox;
    [this.#value, this.#slack] = [value, slack];
    this.#add(mul(rows, this.#image(x)));
    const [squares, terms] = total(square(rows));
    const length = mul(sqrt(add(squares, 1e-30)), 1 + slackOf(terms));
    const away = mul(mul(length, reshape(eps, [this.batch, 1])), 1 + 2 ** -20);
    return maximum(inBox, down(sub(sub(this.#value, away), add(this.#slack, mul(away, 2 ** -22)))));
  }
}

/** Sums over the last axis in two steps, so that few numbers are added one after another: the sums, and how many. */
function total(products: Tensor): [sums: Tensor, terms: number] {
  const [batch = 0, rows = 0, elements = 0] = products.shape;
  let inner = Math.ceil(Math.sqrt(elements));
  while (elements % inner !== 0) inner++;
  const parts = sum(reshape(products, [batch, rows, elements / inner, inner]), 3);
  return [sum(parts, 2), inner + elements / inner];
}
