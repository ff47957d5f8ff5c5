import { crossEntropy } from "../losses/mod.ts";
import { checkDistillation, distillationTerms, requireTeacher } from "./_distillation_terms.ts";
import type { Objective } from "./objective.ts";

/** How the divergence of each image and class becomes one number. */
export type KlReduction = "batchMean" | "elementMean";

/** What knowledge distillation is set by. */
export interface DistillationFields {
  /** Share of the teacher's part: 0 is the labels alone, 1 the teacher alone. */
  readonly alpha: number;
  /** Temperature t > 0 that divides both logits. */
  readonly temperature: number;
  /**
   * "batchMean": the divergence, mean over images. "elementMean": mean over images and classes, 1 / C of it, which is
   * the default reduction of `torch.nn.KLDivLoss`.
   * @default {"batchMean"}
   */
  readonly klReduction?: KlReduction;
}

/** Knowledge distillation on clean images. */
export interface KdSpec extends DistillationFields {
  /** Discriminates the objectives. */
  readonly kind: "kd";
}

/**
 * Knowledge distillation: ce = (1 - alpha) mean_i CE(f_S(x_i), y_i),
 * kl = alpha t^2 mean_i KL(softmax(f_T(x_i) / t) || softmax(f_S(x_i) / t)).
 *
 * Source: Hinton, Vinyals, Dean (2015), section 2.
 */
export const kd: Objective<KdSpec> = {
  termNames: () => ["ce", "kl"],
  needs: () => ["teacher"],
  passes: () => ({ studentForward: 1, studentBackward: 1, teacherForward: 1, teacherBackward: 0 }),
  check: checkDistillation,
  losses(pair, { x, y }, spec) {
    const logits = pair.student(x);
    return { terms: distillationTerms(spec, requireTeacher(pair.teacher)(x), logits, crossEntropy(logits, y)) };
  },
};
