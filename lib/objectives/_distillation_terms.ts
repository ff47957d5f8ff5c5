import { UsageError } from "../core/mod.ts";
import { div, mean, mul, stopGradient, type Tensor } from "../engine/mod.ts";
import { klDivergence } from "../losses/mod.ts";
import type { DistillationFields } from "./distillation.ts";

/**
 * The two terms of knowledge distillation from logits that are there already.
 *
 * @param spec Weights, temperature and reduction.
 * @param teacherLogits Logits of the teacher [B, classes]; taken as constants.
 * @param studentLogits Logits of the student [B, classes].
 * @param perExample Cross-entropy of the student against the labels [B].
 * @returns ce and kl, weighted scalars.
 */
export function distillationTerms(
  spec: DistillationFields,
  teacherLogits: Tensor,
  studentLogits: Tensor,
  perExample: Tensor,
): { readonly ce: Tensor; readonly kl: Tensor } {
  const { alpha, temperature, klReduction = "batchMean" } = spec;
  const divergence = mean(klDivergence(stopGradient(teacherLogits), studentLogits, temperature));
  const reduced = klReduction === "batchMean" ? divergence : div(divergence, studentLogits.shape[1]!);
  return { ce: mul(mean(perExample), 1 - alpha), kl: mul(reduced, alpha * temperature ** 2) };
}

/**
 * Checks the fields of knowledge distillation.
 *
 * @throws {UsageError} If alpha is not in [0, 1] or the temperature is not positive.
 */
export function checkDistillation({ alpha, temperature }: DistillationFields): void {
  if (!(alpha >= 0 && alpha <= 1)) throw new UsageError(`Cannot use the alpha ${alpha}: write a share from 0 to 1`);
  if (!(temperature > 0 && temperature < Infinity)) {
    throw new UsageError(`Cannot use the temperature ${temperature}: write a positive number such as 1`);
  }
}

/**
 * The teacher, which a distillation cannot do without.
 *
 * @throws {TypeError} If there is none.
 */
export function requireTeacher(teacher: ((x: Tensor) => Tensor) | undefined): (x: Tensor) => Tensor {
  if (teacher === undefined) throw new TypeError("Cannot distil without a teacher: give the pair one");
  return teacher;
}
