import {
  add,
  argMax,
  exp,
  log,
  logSoftmax,
  mean,
  mul,
  neg,
  oneHot,
  softmax,
  stopGradient,
  sub,
  sum,
  type Tensor,
} from "../engine/mod.ts";
import { classesOf, crossEntropy, klDivergence } from "../losses/mod.ts";
import { checkWeight, requirePerturbed } from "./_distillation_terms.ts";
import { checkInnerAttack, innerAttack, type InnerAttackFields, innerAttackPasses } from "./inner_attack.ts";
import type { Objective } from "./objective.ts";

/** Boosted cross-entropy on attacked images, and a divergence that counts most where clean images are misclassified. */
export interface MartSpec extends InnerAttackFields {
  /** Discriminates the objectives. */
  readonly kind: "mart";
  /** Weight of the divergence. */
  readonly lambda: number;
  /**
   * What is added to 1 - p inside the logarithm of the boosted part.
   * @default {1e-12, for which the logarithm is finite}
   */
  readonly floor?: number;
}

/**
 * Misclassification-aware adversarial training, with p = softmax(f_S):
 * bce = mean_i [-log p_y(x'_i) - log(1 - max_{k != y} p_k(x'_i))],
 * kl = lambda mean_i KL(p(x_i) || p(x'_i)) (1 - p_y(x_i)), differentiated through every p; the inner attack raises the
 * cross-entropy. Where labels are mixed, y is the most probable class but in -log p_y, which is the cross-entropy.
 *
 * Source: Wang, Zou, Yi, Bailey, Ma, Gu (2020), "Improving adversarial robustness requires revisiting misclassified
 * examples", the MART objective.
 */
export const mart: Objective<MartSpec> = {
  termNames: () => ["bce", "kl"],
  needs: () => [],
  passes: (spec) => innerAttackPasses(spec, "crossEntropy", { studentForward: 2, studentBackward: 2 }),
  check(spec) {
    checkInnerAttack(spec, "crossEntropy");
    checkWeight("lambda", spec.lambda, 5);
    if (spec.floor !== undefined) checkWeight("floor", spec.floor, 1e-4);
  },
  perturb: (context, spec) => innerAttack(context, spec, "crossEntropy"),
  losses({ student }, { x, y, xAdv }, { lambda, floor = 1e-12 }) {
    const clean = student(x);
    const logits = student(requirePerturbed(xAdv));
    const own = oneHot(classesOf(y), logits.shape[1]!);
    const strongest = oneHot(argMax(sub(stopGradient(logits), mul(own, 2e38)), -1), logits.shape[1]!);
    // 1 - p_k as the sum of the other probabilities, which loses nothing where p_k is near 1.
    const boosted = neg(log(add(sum(mul(softmax(logits), sub(1, strongest)), -1), floor)));
    const wrong = sub(1, exp(sum(mul(logSoftmax(clean), own), -1)));
    const terms: Record<"bce" | "kl", Tensor> = {
      bce: mean(add(crossEntropy(logits, y), boosted)),
      kl: mul(mean(mul(klDivergence(clean, logits), wrong)), lambda),
    };
    return { terms };
  },
};

/** MART with the weight of its ResNet-18 on CIFAR-10, and the attack of its released code. */
export const MART_PAPER: MartSpec = {
  kind: "mart",
  eps: "0.031",
  steps: 10,
  stepSize: "0.007",
  start: "gaussian",
  lambda: 5,
};

/**
 * MART as its released code computes it (YisenWang/MART, 2d83e17, mart.py and train_resnet.py): 1.0001 - p in the boosted
 * part, which bounds it at 9.2. Left out are 1e-12 inside the other logarithms and 1.0000001 in the place of 1. Its
 * WideResNet is trained with lambda 6.
 */
export const MART_RELEASED_CODE: MartSpec = { ...MART_PAPER, floor: 1e-4 };
