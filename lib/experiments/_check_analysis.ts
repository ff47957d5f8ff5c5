import { MAX_EPS, validateSpec } from "../attacks/mod.ts";
import { parseEps, UsageError } from "../core/mod.ts";
import type { AnalysisSpec } from "./experiment.ts";

/** Checks what an analysis would find out only after the training: radii, the attack, and whether they go together. */
export function checkAnalysis({ n, eps, attack, linearity }: AnalysisSpec): void {
  if (n < 2) throw new UsageError(`Cannot analyse on ${n} images as means have intervals: use at least two`);
  const { norm = "Linf" } = attack ?? {};
  const radii = eps.map((radius) => parseEps(radius, MAX_EPS[norm]));
  if (radii.length === 0) throw new UsageError('Cannot analyse without a radius: write analysis.eps such as ["8/255"]');
  if (attack !== undefined) validateSpec(attack, radii, "analysis.attack");
  const { norm: other = "Linf", stepSize, relativeStepSize } = linearity ?? {};
  if ((stepSize ?? relativeStepSize) === 0) {
    throw new UsageError("Cannot measure local linearity in steps of 0: write a length above 0");
  }
  if (norm !== other) {
    throw new UsageError(
      `Cannot analyse ${norm} attacks beside local linearity in ${other} as a radius means another thing to each: ` +
        "use one norm, Linf or L2",
    );
  }
}
