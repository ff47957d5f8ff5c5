import { introspective, type IntrospectiveFields } from "./_introspective_terms.ts";
import type { InnerAttackFields } from "./inner_attack.ts";
import type { Objective } from "./objective.ts";

/** Introspective distillation on images where student and teacher differ most. */
export interface AdaiadSpec extends IntrospectiveFields, InnerAttackFields {
  /** Discriminates the objectives. */
  readonly kind: "adaiad";
}

/**
 * AdaIAD: the terms of {@linkcode iad} with the teacher asked at the attacked images,
 * kl = alpha t^2 mean_i KL(f_T(x'_i) / t || f_S(x'_i) / t), on images of the attack of {@linkcode adaad}.
 *
 * Source: Huang, Chen, Wang, Lu, Cheng, Wang (2023), "Boosting accuracy and robustness of student models via adaptive
 * adversarial distillation"; released code boyellow/AdaAD, fe97c3e, main.py, "AdaAD_with_IAD1".
 * Differs from the released code in making the student's clean logits once, where it makes them two or three times.
 */
export const adaiad: Objective<AdaiadSpec> = introspective("klToTeacher", "adversarial");

/** AdaIAD at temperature 1 and the radius of the CIFAR-10 literature, from 60 of 200 epochs on. */
export const ADAIAD_PAPER: AdaiadSpec = {
  kind: "adaiad",
  alpha: 1,
  temperature: 1,
  beta: 0.1,
  introspectiveFrom: 0.3,
  eps: "8/255",
  steps: 10,
  stepSize: "2/255",
  start: "gaussian",
};

/** AdaIAD with the default temperature of the released code's flags; its default radius is 16/255, in steps of 4/255. */
export const ADAIAD_RELEASED_CODE: AdaiadSpec = { ...ADAIAD_PAPER, temperature: 30 };
