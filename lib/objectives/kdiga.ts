import { float32, type NdArray, parseEps, type Rng, UsageError } from "../core/mod.ts";
import { mul, stopGradient } from "../engine/mod.ts";
import { crossEntropy } from "../losses/mod.ts";
import { checkDistillation, distillationTerms, requireTeacher } from "./_distillation_terms.ts";
import type { DistillationFields } from "./distillation.ts";
import { alignment, type AlignmentScale, inputGradient } from "./input_gradient_alignment.ts";
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
   * Makes the logits in a forward pass of their own, before that of the gradient, as the released code does. Terms and
   * gradients are the same and cost more; batch norm's running statistics, where every pass moves them, move twice.
   * @default {false}
   */
  readonly separatePasses?: boolean;
}

/**
 * KDIGA: ce and kl as in knowledge distillation, and iga = weight * ||d CE(f_S(x), y)/dx - d CE(f_T(x), y)/dx||_2.
 *
 * The teacher's gradient is a constant. The student's is differentiated through by the student's weights (second
 * order): were it detached, the term would show in the loss and do nothing.
 *
 * Source: Shao, Yi, Chen, Hsieh (2021), arXiv 2110.12072.
 * Differs from the released code in making the student's logits and gradient in one forward pass, unless
 * `separatePasses` is set.
 */
export const kdiga: Objective<KdigaSpec> = {
  termNames: () => ["ce", "kl", "iga"],
  needs: () => ["teacher"],
  // The student's input gradient is one backward pass, its derivative by the weights another of second order.
  passes: ({ separatePasses = false }) => ({
    studentForward: separatePasses ? 2 : 1,
    studentBackward: separatePasses ? 4 : 3,
    teacherForward: 1,
    teacherBackward: 1,
  }),
  check(spec) {
    checkDistillation(spec);
    if (!(spec.weight >= 0 && spec.weight < Infinity)) {
      throw new UsageError(`Cannot use the alignment weight ${spec.weight}: write 0 or more, such as 2`);
    }
    if (spec.randomStart !== undefined) parseEps(spec.randomStart);
  },
  perturb({ x, ids, rng }, { randomStart }) {
    if (randomStart === undefined) return Promise.resolve(undefined);
    return Promise.resolve(addUniform(x, ids, parseEps(randomStart), rng));
  },
  losses(pair, batch, spec) {
    const { weight, scale = "perExample", squared = false } = spec;
    const x = batch.xAdv ?? batch.x;
    const first = spec.separatePasses ? pair.student(x) : undefined;
    const student = inputGradient(pair.student, x, batch.y);
    const teacher = inputGradient(requireTeacher(pair.teacher), x, batch.y);
    const logits = first ?? student.logits;
    const perExample = first ? crossEntropy(first, batch.y) : student.crossEntropy;
    return {
      terms: {
        ...distillationTerms(spec, teacher.logits, logits, perExample),
        iga: mul(alignment(student.gradient, stopGradient(teacher.gradient), { scale, squared }), weight),
      },
    };
  },
};

/** x plus uniform noise in [-radius, radius), keyed by image id. */
function addUniform(x: NdArray<"float32">, ids: Int32Array, radius: number, rng: Rng): NdArray<"float32"> {
  const size = x.data.length / ids.length;
  const data = x.data.slice();
  for (const [row, id] of ids.entries()) {
    const noise = rng.child("noise", id).uniform(size, -radius, radius);
    for (let i = 0; i < size; i++) data[row * size + i]! += noise[i]!;
  }
  return float32(x.shape, data);
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
