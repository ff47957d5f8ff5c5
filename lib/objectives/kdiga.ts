import { parseEps, UsageError } from "../core/mod.ts";
import { argMax, cast, equal, mul, stopGradient, sum, type Tensor } from "../engine/mod.ts";
import { classesOf, crossEntropy } from "../losses/mod.ts";
import { checkDistillation, distillationTerms, requirePerturbed, requireTeacher } from "./_distillation_terms.ts";
import { uniformNoise } from "./_uniform_noise.ts";
import type { DistillationFields } from "./distillation.ts";
import { checkInnerAttack, innerAttack, type InnerAttackFields, innerAttackPasses } from "./inner_attack.ts";
import { alignment, type AlignmentDistance, type AlignmentScale, inputGradient } from "./input_gradient_alignment.ts";
import type { Objective } from "./objective.ts";

/** Knowledge distillation with input-gradient alignment. */
export interface KdigaSpec extends DistillationFields {
  /** Discriminates the objectives. */
  readonly kind: "kdiga";
  /** Weight of the alignment term: lambda of "perExample", gamma of "releasedCode". */
  readonly weight: number;
  /**
   * How the differences of gradients become one number; see `alignment()`.
   * @default {"perExample"}
   */
  readonly scale?: AlignmentScale;
  /**
   * Whether the norm is squared.
   * @default {false}
   */
  readonly squared?: boolean;
  /**
   * Radius of uniform noise on the pixels ("8/255"), the same for student and teacher; not clipped to [0,1], as in the
   * released code's `kdiga_rs`.
   * @default {none: clean pixels}
   */
  readonly randomStart?: string;
  /**
   * An attack on the student's cross-entropy that makes x', where the divergence is then taken, of student and teacher;
   * the labels stay at x. Not together with `randomStart`.
   * @default {none: everything at one place}
   */
  readonly attack?: InnerAttackFields;
  /**
   * Where the gradients are aligned: at x, or with an `attack` at x'.
   * @default {"clean"}
   */
  readonly alignAt?: "clean" | "adversarial";
  /**
   * What is compared of the gradients: their difference, or ("cosine") their directions alone, which needs `scale` and
   * `squared` as they are by default.
   * @default {"l2"}
   */
  readonly distance?: AlignmentDistance;
  /**
   * What is differentiated. "crossEntropy": the loss, whose gradient is one combination of the rows of the logits'
   * Jacobian, with weights softmax(f) - onehot(y) that vanish where an image is fitted. "projection", an experiment of
   * this library: v . f with a random v for each image and step, uniform on the unit sphere of the vectors of sum 0,
   * the same for both networks; E ||v (J_S - J_T)||^2 = ||P (J_S - J_T)||_F^2 / (C - 1), P the projection onto sum 0,
   * as a shift of all logits changes nothing.
   * @default {"crossEntropy"}
   */
  readonly gradientOf?: "crossEntropy" | "projection";
  /**
   * Divergence and alignment of the images alone that the teacher classifies correctly where it is asked; those of the
   * others count as 0 in the mean.
   * @default {false}
   */
  readonly onlyWhereTeacherIsRight?: boolean;
  /**
   * Makes the logits in a forward pass of their own, before that of the gradient, as the released code does. Terms and
   * gradients are the same and cost more; batch norm's running statistics, where every pass moves them, move twice.
   * @default {false}
   */
  readonly separatePasses?: boolean;
}

/**
 * KDIGA: ce and kl as in knowledge distillation, and iga = weight * ||d CE(f_S(x), y)/dx - d CE(f_T(x), y)/dx||_2. With
 * an `attack`, KDIGA-ARD: kl at x' and iga at x (KDIGA-ARD_C) or at x' (KDIGA-ARD_A).
 *
 * The teacher's gradient is a constant. The student's is differentiated through by the student's weights (second
 * order): were it detached, the term would show in the loss and do nothing.
 *
 * Source: Shao, Yi, Chen, Hsieh (2021), arXiv 2110.12072; `attack` and `randomStart` as `kdiga_ard` and `kdiga_rs` of
 * its released code, `onlyWhereTeacherIsRight` as its branch adv-v4 (847d9c6, fast_kdiga.py), cosines as its branch
 * adv-debug has them, but lowered.
 * Differs from the released code in making the student's logits and gradient in one forward pass, unless
 * `separatePasses` is set.
 */
export const kdiga: Objective<KdigaSpec> = {
  termNames: () => ["ce", "kl", "iga"],
  needs: () => ["teacher"],
  // The student's input gradient is one backward pass, its derivative by the weights another of second order.
  passes({ separatePasses = false, attack, alignAt = "clean" }) {
    const plain = (separatePasses ? 1 : 0) + (attack ? 1 : 0);
    const losses = {
      studentForward: 1 + plain,
      studentBackward: 3 + plain,
      teacherForward: attack && alignAt === "clean" ? 2 : 1,
      teacherBackward: 1,
    };
    return attack ? innerAttackPasses(attack, "crossEntropy", losses) : losses;
  },
  check(spec) {
    const { weight, attack, alignAt, randomStart, distance, scale = "perExample", squared = false } = spec;
    checkDistillation(spec);
    if (!(weight >= 0 && weight < Infinity)) {
      throw new UsageError(`Cannot use the alignment weight ${weight}: write 0 or more, such as 2`);
    }
    if (randomStart !== undefined) parseEps(randomStart);
    if (attack !== undefined) checkInnerAttack(attack, "crossEntropy");
    if (attack !== undefined && randomStart !== undefined) {
      throw new UsageError(
        "Cannot use randomStart together with an attack, which has a start of its own: leave it out",
      );
    }
    if (attack === undefined && alignAt === "adversarial") {
      throw new UsageError(
        'Cannot align at "adversarial" images without an attack: give one, or align at "clean" ones',
      );
    }
    if (distance === "cosine" && (squared || scale !== "perExample")) {
      throw new UsageError("Cannot use scale or squared with cosines, which have no length: leave them out");
    }
  },
  noise({ gradientOf }, { classes }, rng) {
    return gradientOf === "projection" ? direction(rng.normal(classes)) : undefined;
  },
  perturb(context, { randomStart, attack }) {
    if (attack !== undefined) return innerAttack(context, attack, "crossEntropy");
    if (randomStart === undefined) return Promise.resolve(undefined);
    const { x, ids, rng } = context;
    return Promise.resolve(uniformNoise(x, ids, parseEps(randomStart), rng));
  },
  losses(pair, { x, y, xAdv }, spec, { noise }) {
    const { weight, attack, alignAt = "clean", gradientOf = "crossEntropy", separatePasses = false } = spec;
    const teacherOf = requireTeacher(pair.teacher);
    const moved = attack ? requirePerturbed(xAdv) : xAdv ?? x;
    const labelled = attack ? x : moved;
    const aligned = alignAt === "adversarial" ? moved : labelled;

    const valueOf = gradientOf === "projection" ? projectionOn(noise) : undefined;
    const first = separatePasses ? pair.student(aligned) : undefined;
    const student = inputGradient(pair.student, aligned, y, valueOf);
    const teacher = inputGradient(teacherOf, aligned, y, valueOf);
    const own = first ?? student.logits;
    const [atLabels, atMoved] = [labelled, moved].map((at) => at === aligned ? own : pair.student(at));
    const taught = moved === aligned ? teacher.logits : teacherOf(moved);
    const perExample = atLabels === student.logits ? student.crossEntropy : crossEntropy(atLabels!, y);
    const mask = (logits: Tensor) => spec.onlyWhereTeacherIsRight ? right(logits, y) : undefined;
    const { scale = "perExample", squared = false, distance = "l2" } = spec;
    const options = { scale, squared, distance, mask: mask(teacher.logits) };
    return {
      terms: {
        ...distillationTerms(spec, taught, atMoved!, perExample, mask(taught)),
        iga: mul(alignment(student.gradient, stopGradient(teacher.gradient), options), weight),
      },
    };
  },
};

/** 1 where the logits are of the class of the label, else 0 [B]. */
function right(logits: Tensor, y: Tensor): Tensor {
  return cast(equal(argMax(logits, -1), classesOf(y)), "float32");
}

/** v . f for each image. */
function projectionOn(v: Tensor | undefined): (logits: Tensor) => Tensor {
  if (v === undefined) throw new TypeError("Cannot project logits without random directions: give the context noise");
  return (logits) => sum(mul(logits, v), -1);
}

/** The part of a vector whose sum is 0, of length 1. */
function direction(normal: Float32Array): Float32Array {
  const mean = normal.reduce((a, b) => a + b, 0) / normal.length;
  const centred = normal.map((value) => value - mean);
  const length = Math.hypot(...centred);
  return centred.map((value) => value / length);
}

/**
 * KDIGA as its equation stands: divergence per image, one norm per image, both averaged over the batch, so that the
 * weights mean the same at every batch size. The paper's weights are not known; these kept most of a small teacher's
 * robustness (ResNet-18 of width 16, CIFAR-10 at 8/255, batches of 128).
 */
export const KDIGA_PAPER: KdigaSpec = {
  kind: "kdiga",
  alpha: 0.5,
  temperature: 1,
  klReduction: "batchMean",
  weight: 2,
  scale: "perExample",
  squared: false,
};

/**
 * KDIGA as the authors' released code computes it (RulinShao/AdversariallyRobustDistillation, e77a13d). It differs from
 * {@linkcode KDIGA_PAPER} in the divergence's mean over images and classes (with 10 classes a tenth of it), in one norm
 * over the whole batch of the gradients of the batch-mean loss, and in gamma / B: at B = 128 and equal distances, gamma
 * 1 is a weight of 0.00069 there. Its students were trained with gamma 1, 10 and 100. Batch norm's running statistics
 * move twice per step in the code: add `separatePasses: true` and train with `batchNormUpdates: "every"` for that.
 */
export const KDIGA_RELEASED_CODE: KdigaSpec = {
  kind: "kdiga",
  alpha: 0.5,
  temperature: 1,
  klReduction: "elementMean",
  weight: 1,
  scale: "releasedCode",
  squared: false,
};

/** KDIGA at pixels with uniform noise of 8/255: `kdiga_rs` of the released code, at the scale of the equation. */
export const KDIGA_RANDOM_START: KdigaSpec = { ...KDIGA_PAPER, randomStart: "8/255" };

/**
 * KDIGA-ARD_C: labels and gradients at clean images, divergence at adversarial ones; the attack of the released code,
 * steps of 2 eps / 10 on the student in training mode, from a uniform start.
 */
export const KDIGA_ARD_CLEAN: KdigaSpec = {
  ...KDIGA_PAPER,
  attack: { eps: "8/255", steps: 10, relativeStepSize: 0.2, studentMode: "train" },
};

/**
 * KDIGA-ARD_A: as {@linkcode KDIGA_ARD_CLEAN}, with gradients at adversarial images. Inferred from names of the authors'
 * checkpoints ("gamma=10" beside "gamma=10_cleang"); the code of that run is not public.
 */
export const KDIGA_ARD_ADVERSARIAL: KdigaSpec = { ...KDIGA_ARD_CLEAN, alignAt: "adversarial" };

/**
 * `kdiga_ard` of the released code (e77a13d, main.py): {@linkcode KDIGA_ARD_CLEAN} at the scales of
 * {@linkcode KDIGA_RELEASED_CODE}; gamma 10 is what its checkpoints are named by. The code also moves running
 * statistics in every pass of the attack, which is not done here.
 */
export const KDIGA_ARD_RELEASED_CODE: KdigaSpec = {
  ...KDIGA_ARD_CLEAN,
  klReduction: "elementMean",
  weight: 10,
  scale: "releasedCode",
};

/**
 * An experiment of this library, no published method: random projections of the logits' Jacobians are aligned in place
 * of the gradients of the loss, which fix one combination of its rows and fade where an image is fitted.
 */
export const KDIGA_PROJECTION: KdigaSpec = { ...KDIGA_PAPER, gradientOf: "projection" };
