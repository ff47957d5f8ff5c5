import { attackName, checkSamples, MAX_EPS, validateSpec } from "../attacks/mod.ts";
import { parseEps, UsageError } from "../core/mod.ts";
import type { EvaluationSpec } from "./experiment.ts";

/** Checks what an evaluation would find out only after the training: attacks, radii, and whether they go together. */
export function checkEvaluation({ attacks, eps }: EvaluationSpec): void {
  const most = Math.max(1, ...attacks.map(({ norm = "Linf" }) => MAX_EPS[norm]));
  const radii = eps.map((radius) => parseEps(radius, most));
  if (attacks.length > 0 && radii.length === 0) {
    throw new UsageError('Cannot evaluate attacks without a radius: write evaluation.eps such as ["8/255"]');
  }
  const names = attacks.map((attack, i) => attackName(validateSpec(attack, radii, `evaluation.attacks.${i}`)));
  // What is trained or loaded has no random outputs.
  attacks.forEach((attack) => checkSamples(attack, {}));
  const twice = names.findIndex((name, i) => names.indexOf(name) < i);
  if (twice !== -1) {
    throw new UsageError(`Cannot evaluate under "${names[twice]}" twice: leave out evaluation.attacks.${twice}`);
  }
  const norms = [...new Set(attacks.map(({ norm = "Linf" }) => norm))];
  if (norms.length > 1) {
    throw new UsageError(
      `Cannot evaluate ${
        norms.join(" and ")
      } attacks together as a radius means another thing to each: evaluate once for each norm`,
    );
  }
}
