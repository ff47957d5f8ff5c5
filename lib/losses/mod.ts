/**
 * Losses as traced functions: logits in, one number per example out. The mean over the batch is the caller's.
 *
 * ```ts ignore
 * const ce = mean(crossEntropy(logits, y));
 * const kl = mul(mean(klDivergence(teacherLogits, logits, 4)), 4 ** 2);
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
