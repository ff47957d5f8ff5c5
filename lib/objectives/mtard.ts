import { scalar } from "../core/mod.ts";
import { add, div, equal, greaterEqual, mean, mul, stopGradient, sub, type Tensor, where } from "../engine/mod.ts";
import { klDivergence } from "../losses/mod.ts";
import { checkShare, requirePerturbed, requireTeacher } from "./_distillation_terms.ts";
import type { KlReduction } from "./distillation.ts";
import { checkInnerAttack, innerAttack, type InnerAttackFields, innerAttackPasses } from "./inner_attack.ts";
import type { Objective } from "./objective.ts";

/** Distillation from a robust and a natural teacher, with weights that adapt. */
export interface MtardSpec extends InnerAttackFields {
  /** Discriminates the objectives. */
  readonly kind: "mtard";
  /** Step by which the weights follow the speeds of learning, in [0, 1]. */
  readonly weightRate: number;
  /**
   * Shares of training from each of which on the step is a tenth of what it was before.
   * @default {none}
   */
  readonly weightRateDrops?: readonly number[];
  /**
   * How the divergences become one number each.
   * @default {"batchMean"}
   */
  readonly klReduction?: KlReduction;
}

/**
 * Multi-teacher adversarial robustness distillation: kl = w_a L_a and klNatural = w_n L_n, with
 * L_a = mean_i KL(T_robust(x'_i) || S(x'_i)), L_n = mean_i KL(T_natural(x_i) || S(x_i)), x' from the cross-entropy of S.
 *
 * The weights are carried from step to step and are no part of the gradient: with r = L / (L of the first step),
 * w_n <- w_n - weightRate (w_n - r_n / (r_n + r_a)) before they are used, w_a = 1 - w_n, both 1/2 at first.
 *
 * Source: Zhao, Yu, Sun, Zhu, Wang, Wei, "Enhanced accuracy and robustness via multi-teacher adversarial distillation"
 * (2022); its released code, zhaoshiji123/MTARD (6480a1b, mtard/mtard_resnet18_cifar10.py).
 * Differs from the extended paper (Zhao, Wang, Wei, 2023) in leaving the temperatures of the teachers at 1.
 */
export const mtard: Objective<MtardSpec> = {
  termNames: () => ["kl", "klNatural"],
  needs: () => ["teacher", "naturalTeacher"],
  passes: (spec) =>
    innerAttackPasses(spec, "crossEntropy", { studentForward: 2, studentBackward: 2, teacherForward: 2 }),
  check(spec) {
    checkInnerAttack(spec, "crossEntropy");
    const { weightRate, weightRateDrops = [] } = spec;
    checkShare("weightRate", weightRate);
    for (const drop of weightRateDrops) checkShare("weightRateDrops", drop);
  },
  perturb: (context, spec) => innerAttack(context, spec, "crossEntropy"),
  state: () => ({ naturalWeight: scalar(0.5), firstRobust: scalar(0), firstNatural: scalar(0) }),
  losses(pair, { x, xAdv }, spec, { progress, state }) {
    const at = requirePerturbed(xAdv);
    const { klReduction = "batchMean" } = spec;
    const loss = (teacher: typeof pair.teacher, images: Tensor) => {
      const student = pair.student(images);
      const divergence = mean(klDivergence(stopGradient(requireTeacher(teacher)(images)), student));
      return klReduction === "batchMean" ? divergence : div(divergence, student.shape[1]!);
    };
    const robust = loss(pair.teacher, at);
    const natural = loss(pair.naturalTeacher, x);

    const firstRobust = firstOf(state.firstRobust!, robust);
    const firstNatural = firstOf(state.firstNatural!, natural);
    const speed = (value: Tensor, first: Tensor) => div(stopGradient(value), add(first, TINY));
    const [robustSpeed, naturalSpeed] = [speed(robust, firstRobust), speed(natural, firstNatural)];
    const share = div(add(naturalSpeed, TINY), add(add(naturalSpeed, robustSpeed), 2 * TINY));
    const before = state.naturalWeight!;
    const naturalWeight = sub(before, mul(rateAt(progress, spec), sub(before, share)));
    return {
      terms: { kl: mul(robust, sub(1, naturalWeight)), klNatural: mul(natural, naturalWeight) },
      state: { naturalWeight, firstRobust, firstNatural },
    };
  },
};

/** What keeps 0 / 0 from being NaN. */
const TINY = 1e-12;

/** The value of the first step: 0 stands for none yet. */
function firstOf(first: Tensor, value: Tensor): Tensor {
  return where(equal(first, 0), stopGradient(value), first);
}

function rateAt(progress: Tensor, { weightRate, weightRateDrops = [] }: MtardSpec): Tensor {
  return weightRateDrops.reduce<Tensor>(
    (rate, drop) => where(greaterEqual(progress, drop), mul(rate, 0.1), rate),
    add(mul(progress, 0), weightRate),
  );
}

/** MTARD at the radius of the CIFAR-10 literature, divergences as the paper writes them. */
export const MTARD_PAPER: MtardSpec = {
  kind: "mtard",
  eps: "8/255",
  steps: 10,
  stepSize: "2/255",
  start: "gaussian",
  weightRate: 0.025,
};

/**
 * MTARD as its released code computes it: divergences are means over images and classes, and the step of the weights
 * falls with the learning rate, after epochs 215, 260 and 285 of 300. The code adds 1e-5 to the teachers' probabilities
 * inside the logarithm, which is not done here.
 */
export const MTARD_RELEASED_CODE: MtardSpec = {
  ...MTARD_PAPER,
  klReduction: "elementMean",
  weightRateDrops: [215 / 300, 260 / 300, 285 / 300],
};
