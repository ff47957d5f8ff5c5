/**
 * What a student is trained for: from student, teacher and batch to named, weighted terms whose sum is the loss. What
 * must be differentiated (`losses`) is synchronous and traced; an inner attack (`perturb`) runs before it.
 *
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { KDIGA_PAPER, objectiveOf } from "@kdiga/kdiga";
 *
 * const spec = { ...KDIGA_PAPER, weight: 1 };
 * const objective = objectiveOf(spec); // its `losses` makes the terms of student, teacher and batch
 * assertEquals(objective.termNames(spec), ["ce", "kl", "iga"]);
 * assertEquals(objective.needs(spec), ["teacher"]);
 * ```
 *
 * @module
 */
export * from "./objective.ts";
export * from "./check_objective.ts";
export * from "./inner_attack.ts";
export * from "./input_gradient_alignment.ts";
export * from "./supervised.ts";
export * from "./gaussian_noise.ts";
export * from "./adversarial_training.ts";
export * from "./distillation.ts";
export * from "./kdiga.ts";
export * from "./trades.ts";
export * from "./mart.ts";
export * from "./ard.ts";
export * from "./akd.ts";
export * from "./iad.ts";
export * from "./rslad.ts";
export * from "./adaad.ts";
export * from "./adaiad.ts";
export * from "./igam.ts";
export * from "./igdm.ts";
export * from "./mtard.ts";
export * from "./saad.ts";
export * from "./spec.ts";
export * from "./methods.ts";
export * from "./methods_page.ts";
