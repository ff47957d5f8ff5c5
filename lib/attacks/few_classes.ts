import { componentsOf } from "./autoattack.ts";
import type { AnyAttack } from "./own_attack.ts";

/**
 * What an attack raises in place of its loss where there are fewer classes than the loss needs: three for "dlr", four for
 * "targetedDlr".
 *
 * @param spec The attack; of an ensemble, the first of its attacks counts for which there is something to say.
 * @param classes Number of classes of the classifier.
 * @returns "2 classes: the margin is raised in place of the DLR loss", to be told; nothing where the loss is defined.
 *
 * Differs from AutoAttack's code (checks.py, check_n_classes), which warns and then fails at the missing logit.
 */
export function fewClasses(spec: AnyAttack, classes: number): string | undefined {
  if (spec.kind === "autoattack") {
    return componentsOf(spec).map((each) => fewClasses(each.spec, classes)).find((note) => note !== undefined);
  }
  const loss = "loss" in spec ? spec.loss : undefined;
  if (loss === "dlr" && classes < 3) return `${classes} classes: the margin is raised in place of the DLR loss`;
  if (loss !== "targetedDlr" || classes > 3) return undefined;
  return `${classes} classes: z_t - z_y is raised in place of the targeted DLR loss`;
}
