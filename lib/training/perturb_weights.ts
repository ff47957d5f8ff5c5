import { UsageError } from "../core/mod.ts";
import { add, div, mul, sqrt, square, sum, type Tensor } from "../engine/mod.ts";
import type { Named } from "./optimizer.ts";

/**
 * Adversarial weight perturbation: each step's gradient is taken at weights that a step uphill has moved. The terms are
 * computed twice for it, the inner attack once; the passes of an objective do not count the second time.
 */
export interface WeightPerturbationSpec {
  /** Length of the step of a weight tensor as a share gamma of the tensor's own length. */
  readonly gamma: number;
  /**
   * Share of training before it begins, without its cost.
   * @default {0}
   */
  readonly from?: number;
}

/**
 * Weights uphill, traced: w + v for every tensor of more than one axis (no bias, gain or offset), with
 * v = gamma ||w|| / (||g|| + 1e-20) g and g = d loss / d w; the others as they are.
 *
 * The step that uses it takes loss and gradient of every term at w + v, on the same images, and applies the update to w.
 *
 * Source: Wu, Xia, Wang, "Adversarial weight perturbation helps robust generalization" (2020), equations 8 to 10 with
 * one step (K2 = 1). The released code (csdongxian/AWP, a7acf5d) takes v as what one SGD step of a copied proxy moved,
 * scaled to gamma ||w||, which is the same direction and length.
 * Differs from the released code in decaying w, where it decays w + v as its optimizer steps before v is taken back, and
 * in going by the number of axes alone, where it also asks for "weight" in the name.
 *
 * @param gamma Relative length of v.
 * @param parameters w.
 * @param gradients g, of the same names and shapes.
 * @returns w + v.
 */
export function perturbWeights(gamma: number, parameters: Named<Tensor>, gradients: Named<Tensor>): Named<Tensor> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, w]) => {
      if (w.rank <= 1) return [name, w];
      const g = gradients[name]!;
      return [name, add(w, mul(g, div(mul(length(w), gamma), add(length(g), 1e-20))))];
    }),
  );
}

/**
 * Checks the fields of a weight perturbation.
 *
 * @param spec The spec; none where undefined.
 * @throws {UsageError} If gamma is below 0 or `from` is no share.
 */
export function checkWeightPerturbation(spec: WeightPerturbationSpec | undefined): void {
  if (spec === undefined) return;
  const { gamma, from = 0 } = spec;
  if (!(gamma >= 0 && gamma < Infinity)) {
    throw new UsageError(`Cannot perturb weights by ${gamma} of their length: write 0 or more, such as 0.01`);
  }
  if (!(from >= 0 && from <= 1)) {
    throw new UsageError(`Cannot perturb weights from ${from} of training on: write a share from 0 to 1`);
  }
}

function length(x: Tensor): Tensor {
  return sqrt(sum(square(x)));
}
