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
 * @param mask Factors of the divergences of the images [B]; all 1 where omitted.
 * @returns ce and kl, weighted scalars.
 */
export function distillationTerms(
  spec: DistillationFields,
  teacherLogits: Tensor,
  studentLogits: Tensor,
  perExample: Tensor,
  mask?: Tensor,
): { readonly ce: Tensor; readonly kl: Tensor } {
  return { ce: mul(mean(perExample), 1 - spec.alpha), kl: taughtTerm(spec, teacherLogits, studentLogits, mask) };
}

/**
 * The weighted divergence of the student from a teacher: alpha t^2 mean_i KL(T_i || S_i).
 *
 * @param spec Weight, temperature and reduction.
 * @param teacherLogits Logits of the teacher [B, classes]; taken as constants.
 * @param studentLogits Logits of the student [B, classes].
 * @param mask Factors of the divergences of the images [B]; all 1 where omitted.
 * @returns A scalar.
 */
export function taughtTerm(
  spec: Pick<DistillationFields, "alpha" | "klReduction"> & { readonly temperature?: number },
  teacherLogits: Tensor,
  studentLogits: Tensor,
  mask?: Tensor,
): Tensor {
  const { alpha, temperature = 1, klReduction = "batchMean" } = spec;
  const each = klDivergence(stopGradient(teacherLogits), studentLogits, temperature);
  const divergence = mean(mask === undefined ? each : mul(each, mask));
  const reduced = klReduction === "batchMean" ? divergence : div(divergence, studentLogits.shape[1]!);
  return mul(reduced, alpha * temperature ** 2);
}

/**
 * Checks the fields of knowledge distillation.
 *
 * @throws {UsageError} If alpha is not in [0, 1] or the temperature is not positive.
 */
export function checkDistillation({ alpha, temperature }: DistillationFields): void {
  checkShare("alpha", alpha);
  if (!(temperature > 0 && temperature < Infinity)) {
    throw new UsageError(`Cannot use the temperature ${temperature}: write a positive number such as 1`);
  }
}

/**
 * Checks a share.
 *
 * @throws {UsageError} If it is not in [0, 1].
 */
export function checkShare(name: string, value: number): void {
  if (!(value >= 0 && value <= 1)) throw new UsageError(`Cannot use the ${name} ${value}: write a share from 0 to 1`);
}

/**
 * Checks a weight.
 *
 * @param usual One that is usual, for the message.
 * @throws {UsageError} If it is negative or not finite.
 */
export function checkWeight(name: string, value: number, usual: number): void {
  if (!(value >= 0 && value < Infinity)) {
    throw new UsageError(`Cannot use the ${name} ${value}: write 0 or more, such as ${usual}`);
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

/**
 * The images that an inner attack has made.
 *
 * @throws {TypeError} If there are none.
 */
export function requirePerturbed(xAdv: Tensor | undefined): Tensor {
  if (xAdv === undefined) throw new TypeError("Cannot train adversarially without perturbed images");
  return xAdv;
}
