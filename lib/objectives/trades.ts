import { mean, mul } from "../engine/mod.ts";
import { crossEntropy, klDivergence } from "../losses/mod.ts";
import { checkWeight, requirePerturbed } from "./_distillation_terms.ts";
import { checkInnerAttack, innerAttack, type InnerAttackFields, innerAttackPasses } from "./inner_attack.ts";
import type { Objective } from "./objective.ts";

/** Cross-entropy on clean images, and the divergence between the student's answers to clean and attacked ones. */
export interface TradesSpec extends InnerAttackFields {
  /** Discriminates the objectives. */
  readonly kind: "trades";
  /** Weight of the divergence, 1 / lambda of the paper. */
  readonly beta: number;
}

/**
 * TRADES: ce = mean_i CE(f_S(x_i), y_i), kl = beta mean_i KL(f_S(x_i) || f_S(x'_i)), differentiated through both; the
 * inner attack raises the same divergence.
 *
 * Source: Zhang, Yu, Jiao, Xing, El Ghaoui, Jordan (2019), "Theoretically principled trade-off between robustness and
 * accuracy", algorithm 1.
 * Differs from the released code (yaodongyu/TRADES, 6e8e11b, trades.py) in making the clean logits once, where the code
 * makes them again in training mode for the divergence (batch norm's statistics move once more there) and, with the same
 * result, in every step of the attack.
 */
export const trades: Objective<TradesSpec> = {
  termNames: () => ["ce", "kl"],
  needs: () => [],
  passes: (spec) => innerAttackPasses(spec, "klToClean", { studentForward: 2, studentBackward: 2 }),
  check(spec) {
    checkInnerAttack(spec, "klToClean");
    checkWeight("beta", spec.beta, 6);
  },
  perturb: (context, spec) => innerAttack(context, spec, "klToClean"),
  losses({ student }, { x, y, xAdv }, { beta }) {
    const clean = student(x);
    const divergence = klDivergence(clean, student(requirePerturbed(xAdv)));
    return { terms: { ce: mean(crossEntropy(clean, y)), kl: mul(mean(divergence), beta) } };
  },
};

/** TRADES as in the paper's experiments on CIFAR-10 with 1 / lambda = 6, and in the defaults of the released code. */
export const TRADES_PAPER: TradesSpec = {
  kind: "trades",
  eps: "0.031",
  steps: 10,
  stepSize: "0.007",
  start: "gaussian",
  beta: 6,
};
