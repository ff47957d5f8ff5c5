import { mean, mul } from "../engine/mod.ts";
import { crossEntropy } from "../losses/mod.ts";
import { checkDistillation, requirePerturbed, requireTeacher, taughtTerm } from "./_distillation_terms.ts";
import type { DistillationFields } from "./distillation.ts";
import { checkInnerAttack, innerAttack, type InnerAttackFields, innerAttackPasses } from "./inner_attack.ts";
import type { Objective } from "./objective.ts";

/** Knowledge distillation on attacked images. */
export interface ArdSpec extends DistillationFields, InnerAttackFields {
  /** Discriminates the objectives. */
  readonly kind: "ard";
  /**
   * Which images the teacher is asked at.
   * @default {"clean"}
   */
  readonly teacherAt?: "clean" | "adversarial";
}

/**
 * Adversarially robust distillation: kl = alpha t^2 mean_i KL(f_T(x_i) / t || f_S(x'_i) / t) of softmaxes, and
 * ce = (1 - alpha) mean_i CE(f_S(x_i), y_i) on clean images; the inner attack raises the student's cross-entropy. With
 * alpha = 1 there is no ce and no pass of the student on clean images.
 *
 * Source: Goldblum, Fowl, Feizi, Goldstein (2020), "Adversarially robust distillation".
 */
export const ard: Objective<ArdSpec> = {
  termNames: ({ alpha }) => alpha === 1 ? ["kl"] : ["ce", "kl"],
  needs: () => ["teacher"],
  passes(spec) {
    const student = spec.alpha === 1 ? 1 : 2;
    return innerAttackPasses(spec, "crossEntropy", {
      studentForward: student,
      studentBackward: student,
      teacherForward: 1,
    });
  },
  check(spec) {
    checkInnerAttack(spec, "crossEntropy");
    checkDistillation(spec);
  },
  perturb: (context, spec) => innerAttack(context, spec, "crossEntropy"),
  losses(pair, { x, y, xAdv }, spec) {
    const at = requirePerturbed(xAdv);
    const taught = requireTeacher(pair.teacher)(spec.teacherAt === "adversarial" ? at : x);
    const kl = taughtTerm(spec, taught, pair.student(at));
    if (spec.alpha === 1) return { terms: { kl } };
    return { terms: { ce: mul(mean(crossEntropy(pair.student(x), y)), 1 - spec.alpha), kl } };
  },
};

/** ARD as in the paper: the teacher alone, at temperature 30, asked at clean images. */
export const ARD_PAPER: ArdSpec = {
  kind: "ard",
  alpha: 1,
  temperature: 30,
  eps: "8/255",
  steps: 10,
  stepSize: "2/255",
};

/**
 * ARD as its released code computes it (goldblum/AdversariallyRobustDistillation, 8860f70, main.py): divergence as mean
 * over images and classes, student in training mode while it is attacked. What an objective cannot say: the code's
 * attack passes move batch norm's statistics, and a pass on clean images does even at alpha = 1; its learning rate of 0.1
 * becomes 0.01 at epoch 100 and stays so, as the drop at epoch 150 starts from 0.1 again.
 */
export const ARD_RELEASED_CODE: ArdSpec = { ...ARD_PAPER, klReduction: "elementMean", studentMode: "train" };

/**
 * ARD as the baseline in the released code of KDIGA (RulinShao/AdversariallyRobustDistillation, e77a13d, "ard"): the
 * teacher is asked at the attacked images, half of the loss are the labels, and steps are 1.6/255 long.
 */
export const ARD_KDIGA_RELEASED_CODE: ArdSpec = {
  kind: "ard",
  alpha: 0.5,
  temperature: 1,
  klReduction: "elementMean",
  teacherAt: "adversarial",
  eps: "8/255",
  steps: 10,
  relativeStepSize: 0.2,
  studentMode: "train",
};
