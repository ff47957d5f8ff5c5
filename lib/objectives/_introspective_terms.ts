import { cast, exp, greaterEqual, mean, mul, neg, stopGradient, sub, type Tensor } from "../engine/mod.ts";
import { crossEntropy, klDivergence } from "../losses/mod.ts";
import { checkDistillation, checkShare, checkWeight, requirePerturbed, requireTeacher } from "./_distillation_terms.ts";
import type { DistillationFields } from "./distillation.ts";
import {
  checkInnerAttack,
  innerAttack,
  type InnerAttackFields,
  innerAttackPasses,
  type InnerLoss,
} from "./inner_attack.ts";
import type { Objective, TracedBatch, TracedContext, TracedPair } from "./objective.ts";

/** What introspective distillation is set by, whatever makes the attacked images. */
export interface IntrospectiveFields extends Pick<DistillationFields, "alpha" | "temperature"> {
  /** Exponent of the trust in the teacher; 0 trusts it always. */
  readonly beta: number;
  /**
   * Share of training from which the student also takes its own answer into account.
   * @default {0}
   */
  readonly introspectiveFrom?: number;
  /**
   * Whether the teacher's part is weighed by the trust as well, from there on.
   * @default {false}
   */
  readonly weighsTeacher?: boolean;
}

/**
 * The terms of introspective distillation, with the trust A_i = p_T(y_i | x'_i)^beta, a constant:
 * kl = alpha t^2 mean_i KL(T_i / t || S(x'_i) / t), T_i the teacher at x_i or x'_i,
 * klSelf = alpha mean_i (1 - A_i) KL(S(x_i) || S(x'_i)), 0 before `introspectiveFrom`,
 * ce = (1 - alpha) mean_i CE(S(x_i), y_i), where alpha is not 1. Of mixed labels A_i = exp(-beta CE(T(x'_i), y_i)).
 *
 * @param teacherAt Where the teacher is asked for T_i.
 */
function introspectiveTerms(
  pair: TracedPair,
  { x, y, xAdv }: TracedBatch,
  spec: IntrospectiveFields,
  { progress }: Pick<TracedContext, "progress">,
  teacherAt: "clean" | "adversarial",
): Record<string, Tensor> {
  const { alpha, beta, temperature, introspectiveFrom = 0, weighsTeacher = false } = spec;
  const at = requirePerturbed(xAdv);
  const teacher = requireTeacher(pair.teacher);
  // The order of the released codes: batch norm's statistics are those of the first pass.
  const first = teacherAt === "adversarial" ? pair.student(x) : undefined;
  const logits = pair.student(at);
  const clean = first ?? pair.student(x);
  const guide = stopGradient(teacher(at));
  const taught = teacherAt === "adversarial" ? guide : stopGradient(teacher(x));
  const trust = exp(mul(neg(crossEntropy(guide, y)), beta));
  const doubt = mul(sub(1, trust), cast(greaterEqual(progress, introspectiveFrom), "float32"));
  const fromTeacher = klDivergence(taught, logits, temperature);
  const weighed = weighsTeacher ? mul(fromTeacher, sub(1, doubt)) : fromTeacher;
  const terms = {
    kl: mul(mean(weighed), alpha * temperature ** 2),
    klSelf: mul(mean(mul(klDivergence(clean, logits), doubt)), alpha),
  };
  return alpha === 1 ? terms : { ce: mul(mean(crossEntropy(clean, y)), 1 - alpha), ...terms };
}

/**
 * An objective of introspective distillation.
 *
 * @param loss What its inner attack raises.
 * @param teacherAt Where the teacher is asked for T_i.
 */
export function introspective<S extends IntrospectiveFields & InnerAttackFields>(
  loss: InnerLoss,
  teacherAt: "clean" | "adversarial",
): Objective<S> {
  const teacherForward = teacherAt === "adversarial" ? 1 : 2;
  return {
    termNames: ({ alpha }) => [...(alpha === 1 ? [] : ["ce"]), "kl", "klSelf"],
    needs: () => ["teacher"],
    passes: (spec) => innerAttackPasses(spec, loss, { studentForward: 2, studentBackward: 2, teacherForward }),
    check(spec) {
      checkInnerAttack(spec, loss);
      checkDistillation(spec);
      checkWeight("beta", spec.beta, 0.1);
      if (spec.introspectiveFrom !== undefined) checkShare("introspectiveFrom", spec.introspectiveFrom);
    },
    perturb: (context, spec) => innerAttack(context, spec, loss),
    losses: (pair, batch, spec, context) => ({ terms: introspectiveTerms(pair, batch, spec, context, teacherAt) }),
  };
}
