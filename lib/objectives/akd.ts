import { mean, mul } from "../engine/mod.ts";
import { crossEntropy } from "../losses/mod.ts";
import { UsageError } from "../core/mod.ts";
import { checkDistillation, checkShare, requirePerturbed, requireTeacher, taughtTerm } from "./_distillation_terms.ts";
import type { DistillationFields } from "./distillation.ts";
import { checkInnerAttack, innerAttack, type InnerAttackFields, innerAttackPasses } from "./inner_attack.ts";
import type { Objective } from "./objective.ts";

/** Labels and teacher, both at attacked images. */
export interface AkdSpec extends DistillationFields, InnerAttackFields {
  /** Discriminates the objectives. */
  readonly kind: "akd";
  /**
   * Share of a second teacher, trained on clean images and asked at the attacked ones.
   * @default {0: there is none}
   */
  readonly naturalAlpha?: number;
}

/**
 * Adversarial knowledge distillation, all of it at x': ce = (1 - alpha - alpha_n) mean_i CE(f_S(x'_i), y_i),
 * kl = alpha t^2 mean_i KL(f_T(x'_i) / t || f_S(x'_i) / t), and with a second teacher N
 * klNatural = alpha_n t^2 mean_i KL(f_N(x'_i) / t || f_S(x'_i) / t); the inner attack raises the student's cross-entropy.
 *
 * Source: Maroto, Ortiz-Jimenez, Frossard (2022), "On the benefits of knowledge distillation for adversarial robustness";
 * with two teachers Chen, Zhang, Liu, Chang, Wang (2021), "Robust overfitting may be mitigated by properly learned
 * smoothening".
 */
export const akd: Objective<AkdSpec> = {
  termNames: (spec) => ["ce", "kl", ...(hasNatural(spec) ? ["klNatural"] : [])],
  needs: (spec) => ["teacher", ...(hasNatural(spec) ? ["naturalTeacher"] as const : [])],
  passes: (spec) =>
    innerAttackPasses(spec, "crossEntropy", {
      studentForward: 1,
      studentBackward: 1,
      teacherForward: hasNatural(spec) ? 2 : 1,
    }),
  check(spec) {
    const { alpha, naturalAlpha = 0 } = spec;
    checkInnerAttack(spec, "crossEntropy");
    checkDistillation(spec);
    checkShare("naturalAlpha", naturalAlpha);
    if (alpha + naturalAlpha > 1) {
      throw new UsageError(
        `Cannot use the alpha ${alpha} with the naturalAlpha ${naturalAlpha}: write shares whose sum is at most 1`,
      );
    }
  },
  perturb: (context, spec) => innerAttack(context, spec, "crossEntropy"),
  losses(pair, { y, xAdv }, spec) {
    const { alpha, naturalAlpha = 0 } = spec;
    const at = requirePerturbed(xAdv);
    const logits = pair.student(at);
    const terms = {
      ce: mul(mean(crossEntropy(logits, y)), 1 - alpha - naturalAlpha),
      kl: taughtTerm(spec, requireTeacher(pair.teacher)(at), logits),
    };
    if (!hasNatural(spec)) return { terms };
    const natural = requireTeacher(pair.naturalTeacher)(at);
    return { terms: { ...terms, klNatural: taughtTerm({ ...spec, alpha: naturalAlpha }, natural, logits) } };
  },
};

const hasNatural = ({ naturalAlpha = 0 }: AkdSpec): boolean => naturalAlpha > 0;

/** AKD with one teacher; that labels and teacher count the same is a choice made here. */
export const AKD_PAPER: AkdSpec = {
  kind: "akd",
  alpha: 0.5,
  temperature: 1,
  eps: "8/255",
  steps: 10,
  stepSize: "2/255",
};

/**
 * AKD with two teachers as in the code of IAD's authors (ZFancy/IAD, a8091a8, AKD2.py): a quarter of the loss are the
 * labels; student in training mode while it is attacked.
 */
export const AKD2_RELEASED_CODE: AkdSpec = { ...AKD_PAPER, naturalAlpha: 0.25, studentMode: "train" };
