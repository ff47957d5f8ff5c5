import { div, exp, logSoftmax, mul, sub, sum, type Tensor } from "../engine/mod.ts";
import { checkLogits } from "./_check.ts";

/**
 * Divergence of the student's distribution from the teacher's for each example:
 * KL(p_T || p_S) = sum_k p_T (log p_T - log p_S), p = softmax(z / t).
 *
 * Traced; can be differentiated twice, in both arguments.
 *
 * Differs from Hinton et al. (2015) in having no factor t^2, which is the caller's, and from PyTorch's default
 * "mean" reduction in summing over classes: nothing is divided by B or C.
 *
 * @param teacherLogits z_T [B, C].
 * @param studentLogits z_S [B, C].
 * @param temperature t > 0.
 * @returns Divergence in nats [B], 0 where both distributions are equal.
 * @throws {TypeError} If a shape or dtype is another.
 * @throws {RangeError} If the temperature is not a positive number.
 *
 * Source: Hinton, Vinyals, Dean, "Distilling the knowledge in a neural network" (2015), section 2.
 */
export function klDivergence(teacherLogits: Tensor, studentLogits: Tensor, temperature = 1): Tensor {
  checkLogits("the divergence", teacherLogits);
  checkLogits("the divergence", studentLogits);
  if (teacherLogits.shape.join() !== studentLogits.shape.join()) {
    throw new TypeError(
      `Cannot take the divergence between logits of shape [${teacherLogits.shape}] and [${studentLogits.shape}]: ` +
        `teacher and student need the same batch and classes`,
    );
  }
  if (!(temperature > 0 && Number.isFinite(temperature))) {
    throw new RangeError(`Cannot take the divergence at temperature ${temperature}: it needs a positive number`);
  }
  const teacher = logSoftmax(div(teacherLogits, temperature));
  const student = logSoftmax(div(studentLogits, temperature));
  return sum(mul(exp(teacher), sub(teacher, student)), -1);
}
