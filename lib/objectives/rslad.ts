import { checkShare, requirePerturbed, requireTeacher, taughtTerm } from "./_distillation_terms.ts";
import type { KlReduction } from "./distillation.ts";
import { checkInnerAttack, innerAttack, type InnerAttackFields, innerAttackPasses } from "./inner_attack.ts";
import type { Objective } from "./objective.ts";

/** The teacher's clean answer as the label everywhere. */
export interface RsladSpec extends InnerAttackFields {
  /** Discriminates the objectives. */
  readonly kind: "rslad";
  /** Share of the attacked images; the rest are the clean ones. */
  readonly alpha: number;
  /**
   * As in knowledge distillation.
   * @default {"batchMean"}
   */
  readonly klReduction?: KlReduction;
}

/**
 * Robust soft label adversarial distillation: kl = alpha mean_i KL(f_T(x_i) || f_S(x'_i)) and
 * klClean = (1 - alpha) mean_i KL(f_T(x_i) || f_S(x_i)), where alpha is not 1; the inner attack raises the divergence of
 * kl. No label is used.
 *
 * Source: Zi, Zhao, Ma, Jiang (2021), "Revisiting adversarial robustness distillation: robust soft labels make student
 * better".
 */
export const rslad: Objective<RsladSpec> = {
  termNames: ({ alpha }) => alpha === 1 ? ["kl"] : ["kl", "klClean"],
  needs: () => ["teacher"],
  passes(spec) {
    const student = spec.alpha === 1 ? 1 : 2;
    return innerAttackPasses(spec, "klToCleanTeacher", {
      studentForward: student,
      studentBackward: student,
      teacherForward: 1,
    });
  },
  check(spec) {
    checkInnerAttack(spec, "klToCleanTeacher");
    checkShare("alpha", spec.alpha);
  },
  perturb: (context, spec) => innerAttack(context, spec, "klToCleanTeacher"),
  losses(pair, { x, xAdv }, spec) {
    const taught = requireTeacher(pair.teacher)(x);
    const kl = taughtTerm(spec, taught, pair.student(requirePerturbed(xAdv)));
    if (spec.alpha === 1) return { terms: { kl } };
    return { terms: { kl, klClean: taughtTerm({ ...spec, alpha: 1 - spec.alpha }, taught, pair.student(x)) } };
  },
};

/** RSLAD with the weights of the paper's experiments, 5/6 and 1/6, divergences as means over images. */
export const RSLAD_PAPER: RsladSpec = {
  kind: "rslad",
  alpha: 5 / 6,
  eps: "8/255",
  steps: 10,
  stepSize: "2/255",
  start: "gaussian",
};

/**
 * RSLAD as its released code computes it on CIFAR-10 (zibojia/RSLAD, c40e04f, rslad_loss.py and
 * resnet18_rslad_cifar10.py): divergences as means over images and classes, a tenth of those above; on CIFAR-100 the code
 * multiplies by 10. It adds 1e-5 inside the teacher's logarithm, which has no gradient and is left out.
 */
export const RSLAD_RELEASED_CODE: RsladSpec = { ...RSLAD_PAPER, klReduction: "elementMean" };
