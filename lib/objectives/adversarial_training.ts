import { parseEps } from "../core/mod.ts";
import { mean } from "../engine/mod.ts";
import { crossEntropy } from "../losses/mod.ts";
import { perturb, type PgdSpec, validateSpec } from "../attacks/mod.ts";
import type { Mode } from "../models/mod.ts";
import { requirePerturbed } from "./_distillation_terms.ts";
import type { Objective } from "./objective.ts";

/** Cross-entropy on images that an Linf attack on the student has just made. */
export interface AdversarialSpec {
  /** Discriminates the objectives. */
  readonly kind: "adversarial";
  /** Radius in pixel units: "8/255". */
  readonly eps: string;
  /** Gradient steps of the inner attack. */
  readonly steps: number;
  /** Length of a step in pixel units ("2/255"); not together with `relativeStepSize`. */
  readonly stepSize?: string;
  /**
   * Length of a step as a share of eps; not together with `stepSize`.
   * @default {2.5 / steps, at most 2}
   */
  readonly relativeStepSize?: number;
  /**
   * Whether the attack starts uniformly in the ball.
   * @default {true}
   */
  readonly randomStart?: boolean;
  /**
   * Batch statistics or running ones in the student while it is attacked.
   * @default {"eval"}
   */
  readonly studentMode?: Mode;
}

/**
 * Adversarial training: ce = mean_i CE(f_S(x'_i), y_i), x' from projected gradient descent on the cross-entropy of the
 * student, the last iterate. One step longer than eps from a random start is fast adversarial training.
 *
 * Source: Madry et al. (2018), equation 2.1; Wong, Rice, Kolter (2020), algorithm 3, for the one-step form, which can
 * collapse without a sign in the training loss (catastrophic overfitting): watch PGD on held-out images.
 */
export const adversarial: Objective<AdversarialSpec> = {
  termNames: () => ["ce"],
  needs: () => [],
  passes: ({ steps }) => ({
    studentForward: steps + 1,
    studentBackward: steps + 1,
    teacherForward: 0,
    teacherBackward: 0,
  }),
  check(spec) {
    validateSpec(innerAttack(spec), [parseEps(spec.eps)], "objective");
  },
  perturb({ engine, student, x, y, ids, rng }, spec) {
    const { eps, studentMode = "eval" } = spec;
    return perturb(engine, student(studentMode), { x, y, ids }, innerAttack(spec), parseEps(eps), rng);
  },
  losses({ student }, { xAdv, y }) {
    return { terms: { ce: mean(crossEntropy(student(requirePerturbed(xAdv)), y)) } };
  },
};

/** The attack without what belongs to the training. */
function innerAttack({ eps: _eps, studentMode: _studentMode, ...attack }: AdversarialSpec): PgdSpec {
  return { ...attack, kind: "pgd" };
}

/** PGD adversarial training of Madry et al. (2018) at the radius of the CIFAR-10 literature. */
export const PGD_AT: AdversarialSpec = { kind: "adversarial", eps: "8/255", steps: 10, stepSize: "2/255" };

/** Fast adversarial training of Wong et al. (2020): one step of 10/255, student in training mode; can collapse. */
export const FAST_AT: AdversarialSpec = {
  kind: "adversarial",
  eps: "8/255",
  steps: 1,
  stepSize: "10/255",
  studentMode: "train",
};
