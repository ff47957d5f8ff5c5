/**
 * kdiga: robust knowledge distillation in Deno.
 *
 * Knowledge distillation with input gradient alignment (Shao, Yi, Chen, Hsieh 2021, arXiv 2110.12072) keeps the
 * adversarial robustness of a teacher that plain distillation loses: beside cross-entropy and the divergence from the
 * teacher, the student's input gradient of the cross-entropy is pulled to the teacher's.
 *
 * A whole experiment, teacher to figures, from one declared object:
 *
 * ```ts ignore
 * import { createEngine, PRESETS, run } from "@kdiga/kdiga";
 *
 * await using engine = await createEngine("auto");
 * for await (const event of run(PRESETS.quickstart!, { engine })) {
 *   if (event.kind === "end") console.log(event.rows, event.figures);
 * }
 * ```
 *
 * @module
 */
export * from "./lib/attacks/mod.ts";
export * from "./lib/certificates/mod.ts";
export * from "./lib/core/mod.ts";
export * from "./lib/data/mod.ts";
export * from "./lib/engine/mod.ts";
export * from "./lib/evaluation/mod.ts";
export * from "./lib/experiments/mod.ts";
export * from "./lib/losses/mod.ts";
export * from "./lib/models/mod.ts";
export * from "./lib/objectives/mod.ts";
export * from "./lib/report/mod.ts";
export * from "./lib/training/mod.ts";
