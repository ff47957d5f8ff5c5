import type { Attack, AttackResult, AttackSpec } from "./attack.ts";
import { fgsm } from "./fgsm.ts";
import { pgd } from "./pgd.ts";

/** Every kind of attack; a kind without its function does not compile. */
export const ATTACKS: { readonly [K in AttackSpec["kind"]]: Attack<Extract<AttackSpec, { kind: K }>> } = { fgsm, pgd };

/**
 * The name of an attack in rows and figures: its kind, and what differs from the defaults. Attacks of different
 * settings have different names.
 *
 * @param spec The attack.
 * @returns "fgsm", "fgsm-l2", "pgd-20", "pgd-20-l2", "pgd-20-margin", "pgd-20-step-2/255", "pgd-20-restarts-5", ...
 */
export function attackName(spec: AttackSpec): string {
  const parts = [
    spec.kind,
    spec.kind === "pgd" && spec.steps,
    spec.norm === "L2" && "l2",
    spec.loss === "margin" && "margin",
    spec.kind === "pgd" && spec.stepSize !== undefined && `step-${spec.stepSize}`,
    spec.kind === "pgd" && spec.relativeStepSize !== undefined && `relative-step-${spec.relativeStepSize}`,
    spec.kind === "pgd" && (spec.restarts ?? 1) !== 1 && `restarts-${spec.restarts}`,
    spec.kind === "pgd" && spec.randomStart === false && "from-clean",
  ];
  return parts.filter((part) => part !== false).join("-");
}

/**
 * What an attack costs, known beforehand.
 *
 * @param spec The attack.
 * @returns Passes per image as {@linkcode runAttack} counts them.
 */
export function attackPasses(spec: AttackSpec): Pick<AttackResult, "forwardPasses" | "backwardPasses"> {
  if (spec.kind === "fgsm") return { forwardPasses: 2, backwardPasses: 1 };
  const { steps, restarts = 1 } = spec;
  return { forwardPasses: restarts * (steps + 1) + 1, backwardPasses: restarts * steps };
}
