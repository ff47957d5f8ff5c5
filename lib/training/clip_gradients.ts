import { UsageError } from "../core/mod.ts";
import { add, clip, div, minimum, mul, sqrt, square, sum, type Tensor } from "../engine/mod.ts";
import type { Named } from "./optimizer.ts";

/** A limit of the gradient. */
export interface ClipSpec {
  /** "norm": of the length of all gradients as one vector. "value": of each number. */
  readonly kind: "norm" | "value";
  /** The limit, positive. */
  readonly max: number;
}

/**
 * Limits gradients, traced: g min(1, max / (||g|| + 1e-6)), ||g|| the Euclidean length over all parameters that are
 * trained, or each number to [-max, max].
 *
 * Source: Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks" (2013), algorithm 1;
 * `torch.nn.utils.clip_grad_norm_` and `clip_grad_value_` (PyTorch 2).
 *
 * @param spec The limit; none where undefined.
 * @param gradients Gradients by the names of the parameters.
 * @returns Gradients of the same names and shapes.
 */
export function clipGradients(spec: ClipSpec | undefined, gradients: Named<Tensor>): Named<Tensor> {
  if (spec === undefined) return gradients;
  const { kind, max } = spec;
  const each = (f: (gradient: Tensor) => Tensor) =>
    Object.fromEntries(Object.entries(gradients).map(([name, gradient]) => [name, f(gradient)]));
  if (kind === "value") return each((gradient) => clip(gradient, -max, max));
  const norm = sqrt(Object.values(gradients).map((g) => sum(square(g))).reduce((a, b) => add(a, b)));
  const factor = minimum(div(max, add(norm, 1e-6)), 1);
  return each((gradient) => mul(gradient, factor));
}

/**
 * Checks a limit.
 *
 * @param spec The limit; none where undefined.
 * @throws {UsageError} If it is not positive.
 */
export function checkClip(spec: ClipSpec | undefined): void {
  if (spec === undefined || spec.max > 0 && spec.max < Infinity) return;
  throw new UsageError(`Cannot clip gradients to ${spec.max}: write a positive number such as 1`);
}
