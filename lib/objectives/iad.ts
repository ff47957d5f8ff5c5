import { introspective, type IntrospectiveFields } from "./_introspective_terms.ts";
import type { InnerAttackFields } from "./inner_attack.ts";
import type { Objective } from "./objective.ts";

export type { IntrospectiveFields };

/** Distillation from a teacher that is trusted as far as it is right at the attacked images. */
export interface IadSpec extends IntrospectiveFields, InnerAttackFields {
  /** Discriminates the objectives. */
  readonly kind: "iad";
}

/**
 * Introspective adversarial distillation, with the trust A_i = p_T(y_i | x'_i)^beta, a constant:
 * kl = alpha t^2 mean_i KL(f_T(x_i) / t || f_S(x'_i) / t), klSelf = alpha mean_i (1 - A_i) KL(f_S(x_i) || f_S(x'_i)),
 * differentiated through both and 0 before `introspectiveFrom`, and ce = (1 - alpha) mean_i CE(f_S(x_i), y_i) where alpha
 * is not 1; with `weighsTeacher` every divergence of kl counts A_i times. The inner attack raises the student's
 * cross-entropy.
 *
 * Source: Zhu, Yao, Han, Zhang, Liu, Niu, Zhou, Xu, Yang (2022), "Reliable adversarial distillation with unreliable
 * teachers"; the formula is that of its released code.
 * Differs from the released code in making the student's clean logits once, where it makes them twice.
 */
export const iad: Objective<IadSpec> = introspective("crossEntropy", "clean");

/**
 * IAD with the trust on both divergences, from 60 of 200 epochs on, as the code of IAD-II has it.
 */
export const IAD_PAPER: IadSpec = {
  kind: "iad",
  alpha: 1,
  temperature: 1,
  beta: 0.1,
  introspectiveFrom: 0.3,
  weighsTeacher: true,
  eps: "8/255",
  steps: 10,
  stepSize: "2/255",
};

/**
 * IAD as its released code computes IAD-I (ZFancy/IAD, a8091a8, IAD-I.py): the teacher's part is not weighed; student in
 * training mode while it is attacked. What an objective cannot say: passes of the attack move batch norm's statistics in
 * the code, and its learning rate becomes 0.01 at epoch 100 and stays so, as the drop at 150 starts from 0.1 again.
 */
export const IAD_RELEASED_CODE: IadSpec = { ...IAD_PAPER, weighsTeacher: false, studentMode: "train" };
