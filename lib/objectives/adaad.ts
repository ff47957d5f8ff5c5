import { checkShare, requirePerturbed, requireTeacher, taughtTerm } from "./_distillation_terms.ts";
import type { KlReduction } from "./distillation.ts";
import { checkInnerAttack, innerAttack, type InnerAttackFields, innerAttackPasses } from "./inner_attack.ts";
import type { Objective } from "./objective.ts";

/** Distillation on images where student and teacher differ most. */
export interface AdaadSpec extends InnerAttackFields {
  /** Discriminates the objectives. */
  readonly kind: "adaad";
  /** Share of the attacked images; the rest are the clean ones. */
  readonly alpha: number;
  /**
   * As in knowledge distillation.
   * @default {"batchMean"}
   */
  readonly klReduction?: KlReduction;
}

/**
 * Adaptive adversarial distillation: kl = alpha mean_i KL(f_T(x'_i) || f_S(x'_i)) and
 * klClean = (1 - alpha) mean_i KL(f_T(x_i) || f_S(x_i)), where alpha is not 1; the inner attack raises the divergence of
 * kl, through the teacher as well. No label is used.
 *
 * Source: Huang, Chen, Wang, Lu, Cheng, Wang (2023), "Boosting accuracy and robustness of student models via adaptive
 * adversarial distillation".
 */
export const adaad: Objective<AdaadSpec> = {
  termNames: ({ alpha }) => alpha === 1 ? ["kl"] : ["kl", "klClean"],
  needs: () => ["teacher"],
  passes(spec) {
    const each = spec.alpha === 1 ? 1 : 2;
    return innerAttackPasses(spec, "klToTeacher", {
      studentForward: each,
      studentBackward: each,
      teacherForward: each,
    });
  },
  check(spec) {
    checkInnerAttack(spec, "klToTeacher");
    checkShare("alpha", spec.alpha);
  },
  perturb: (context, spec) => innerAttack(context, spec, "klToTeacher"),
  losses(pair, { x, xAdv }, spec) {
    const at = requirePerturbed(xAdv);
    const teacher = requireTeacher(pair.teacher);
    // The order of the released code: batch norm's statistics are those of the first pass.
    const clean = spec.alpha === 1 ? undefined : pair.student(x);
    const kl = taughtTerm(spec, teacher(at), pair.student(at));
    if (clean === undefined) return { terms: { kl } };
    return { terms: { kl, klClean: taughtTerm({ ...spec, alpha: 1 - spec.alpha }, teacher(x), clean) } };
  },
};

/** AdaAD on attacked images alone, with divergences as means over images and the radius of the CIFAR-10 literature. */
export const ADAAD_PAPER: AdaadSpec = {
  kind: "adaad",
  alpha: 1,
  eps: "8/255",
  steps: 10,
  stepSize: "2/255",
  start: "gaussian",
};

/**
 * AdaAD as its released code computes it on CIFAR-10 (boyellow/AdaAD, fe97c3e, main.py and AT_helper.py): divergences as
 * means over images and classes; on CIFAR-100 it takes those over images. The defaults of its flags are a radius of
 * 16/255 and steps of 4/255, not the literature's. What an objective cannot say: a pass on clean images, whose logits
 * weigh nothing at alpha = 1, moves batch norm's statistics in the code.
 */
export const ADAAD_RELEASED_CODE: AdaadSpec = { ...ADAAD_PAPER, klReduction: "elementMean" };
