/**
 * Losses as traced functions: logits in, one number per example out. The mean over the batch is the caller's.
 *
 * ```ts
 * import { add, crossEntropy, klDivergence, mean, mul, type Tensor } from "@kdiga/kdiga";
 *
 * function distillation(teacherLogits: Tensor, logits: Tensor, y: Tensor): Tensor {
 *   const ce = mean(crossEntropy(logits, y));
 *   const kl = mul(mean(klDivergence(teacherLogits, logits, 4)), 4 ** 2);
 *   return add(ce, kl);
 * }
 * ```
 *
 * @module
 */
export * from "./classes_of.ts";
export * from "./cross_entropy.ts";
export * from "./dlr.ts";
export * from "./kl_divergence.ts";
export * from "./margin.ts";
export * from "./targeted_dlr.ts";
