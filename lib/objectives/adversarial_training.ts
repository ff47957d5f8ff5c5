import { parseEps } from "../core/mod.ts";
import { add, mean, mul, reshape, stopGradient } from "../engine/mod.ts";
import { crossEntropy } from "../losses/mod.ts";
import { perturb, type PgdSpec, validateSpec } from "../attacks/mod.ts";
import type { Mode } from "../models/mod.ts";
import { checkWeight, requirePerturbed } from "./_distillation_terms.ts";
import { alignment, inputGradient } from "./input_gradient_alignment.ts";
import type { Objective } from "./objective.ts";

/** Cross-entropy on images that an Linf attack on the student has just made. */
export interface AdversarialSpec {
  /** Discriminates the objectives. */
  readonly kind: "adversarial";
  /** Radius in pixel units: "8/255". */
  readonly eps: string;
  /** Gradient steps of the inner attack. */
  readonly steps: number;
  /** Length of a step in pixel units ("2/255"); not together with `relativeStepSize`. */
  readonly stepSize?: string;
  /**
   * Length of a step as a share of eps; not together with `stepSize`.
   * @default {2.5 / steps, at most 2}
   */
  readonly relativeStepSize?: number;
  /**
   * Whether the attack starts uniformly in the ball.
   * @default {true}
   */
  readonly randomStart?: boolean;
  /**
   * Batch statistics or running ones in the student while it is attacked.
   * @default {"eval"}
   */
  readonly studentMode?: Mode;
  /**
   * Weight of the regulariser that keeps input gradients of near images alike (GradAlign).
   * @default {none}
   */
  readonly gradAlign?: number;
  /**
   * Whether the gradient at the clean images is held constant in that regulariser, as in its released code.
   * @default {false}
   */
  readonly gradAlignDetached?: boolean;
}

/**
 * Adversarial training: ce = mean_i CE(f_S(x'_i), y_i), x' from projected gradient descent on the cross-entropy of the
 * student, the last iterate. One step longer than eps from a random start is fast adversarial training. With
 * `gradAlign` also align = gradAlign mean_i (1 - cos(g(x_i), g(x_i + eta_i))), g = d CE(f_S(x), y) / dx, eta uniform in
 * [-eps, eps) on every pixel, differentiated through both.
 *
 * Source: Madry et al. (2018), equation 2.1; Wong, Rice, Kolter (2020), algorithm 3, for the one-step form, which can
 * collapse without a sign in the training loss (catastrophic overfitting): watch PGD on held-out images;
 * Andriushchenko, Flammarion (2020), "Understanding and improving fast adversarial training", for GradAlign.
 * Differs from the released code of GradAlign (tml-epfl/understanding-fast-adv-training, 250265e, train.py) where an image
 * has no gradient: it is left out of the mean there, and counts as 1 without a gradient here.
 */
export const adversarial: Objective<AdversarialSpec> = {
  termNames: ({ gradAlign }) => gradAlign === undefined ? ["ce"] : ["ce", "align"],
  needs: () => [],
  passes({ steps, gradAlign, gradAlignDetached }) {
    // Each gradient by the pixels is a backward pass, its derivative by the weights another of second order.
    const [forward, backward] = gradAlign === undefined ? [0, 0] : [2, gradAlignDetached ? 4 : 6];
    return {
      studentForward: steps + 1 + forward,
      studentBackward: steps + 1 + backward,
      teacherForward: 0,
      teacherBackward: 0,
    };
  },
  check(spec) {
    validateSpec(innerAttack(spec), [parseEps(spec.eps)], "objective");
    if (spec.gradAlign !== undefined) checkWeight("gradAlign", spec.gradAlign, 0.2);
  },
  perturb({ engine, student, x, y, ids, rng }, spec) {
    const { eps, studentMode = "eval" } = spec;
    return perturb(engine, student(studentMode), { x, y, ids }, innerAttack(spec), parseEps(eps), rng);
  },
  noise({ gradAlign }, { inputShape: [height, width, channels] }, rng) {
    return gradAlign === undefined ? undefined : rng.uniform(height * width * channels, -1, 1);
  },
  losses({ student }, { x, xAdv, y }, { eps, gradAlign, gradAlignDetached = false }, { noise }) {
    const ce = mean(crossEntropy(student(requirePerturbed(xAdv)), y));
    if (gradAlign === undefined) return { terms: { ce } };
    if (noise === undefined) throw new TypeError("Cannot align gradients without noise: give the context some");
    const clean = inputGradient(student, x, y).gradient;
    const near = inputGradient(student, add(x, mul(reshape(noise, x.shape), parseEps(eps))), y).gradient;
    const apart = alignment(near, gradAlignDetached ? stopGradient(clean) : clean, { distance: "cosine" });
    return { terms: { ce, align: mul(apart, gradAlign) } };
  },
};

/** The attack without what belongs to the training. */
function innerAttack(
  { eps: _eps, studentMode: _mode, gradAlign: _align, gradAlignDetached: _detached, ...attack }: AdversarialSpec,
): PgdSpec {
  return { ...attack, kind: "pgd" };
}

/** PGD adversarial training of Madry et al. (2018) at the radius of the CIFAR-10 literature. */
export const PGD_AT: AdversarialSpec = { kind: "adversarial", eps: "8/255", steps: 10, stepSize: "2/255" };

/** Fast adversarial training of Wong et al. (2020): one step of 10/255, student in training mode; can collapse. */
export const FAST_AT: AdversarialSpec = {
  kind: "adversarial",
  eps: "8/255",
  steps: 1,
  stepSize: "10/255",
  studentMode: "train",
};

/** Fast adversarial training from the image itself with GradAlign, at the weight of its authors for this radius. */
export const FAST_AT_GRAD_ALIGN: AdversarialSpec = {
  kind: "adversarial",
  eps: "8/255",
  steps: 1,
  relativeStepSize: 1,
  randomStart: false,
  studentMode: "train",
  gradAlign: 0.2,
};

/** The same as its released code computes it: the gradient at the clean images is a constant. */
export const FAST_AT_GRAD_ALIGN_RELEASED_CODE: AdversarialSpec = { ...FAST_AT_GRAD_ALIGN, gradAlignDetached: true };
