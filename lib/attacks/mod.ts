/**
 * Attacks: images, a classifier and a radius in, the strongest images found within that radius out.
 *
 * ```ts
 * import { createEngine, createModel, float32, freeze, int32, rng, runAttack } from "@kdiga/kdiga";
 *
 * await using engine = await createEngine("reference");
 * const model = createModel({ kind: "mlp", hidden: [] }, { classes: 2, inputShape: [2, 2, 1] });
 * const classifier = freeze(model, model.init(rng(0)));
 * const batch = { x: float32([1, 2, 2, 1], [0.1, 0.2, 0.3, 0.4]), y: int32([1], [0]), ids: Int32Array.of(7) };
 * const { xAdv, success } = await runAttack(engine, classifier, batch, { kind: "pgd", steps: 20 }, 8 / 255, rng(0));
 * console.log(xAdv.data, success); // success is 1 where the image is misclassified now
 * ```
 *
 * Attacks whose images all take the same steps (fgsm, pgd) are functions of a batch; the others are machines that advance
 * slots, each with an image at its own trial and step ({@linkcode SlotAttack}), so that an image that fell makes room.
 *
 * README.md has the recipe for a new one, with every file to touch.
 *
 * @module
 */
export * from "./apgd.ts";
export * from "./attack.ts";
export * from "./attack_images.ts";
export * from "./attacks_table.ts";
export * from "./autoattack.ts";
export * from "./check_samples.ts";
export { ddn } from "./ddn.ts";
export * from "./draw_noise.ts";
export { fab } from "./fab.ts";
export * from "./few_classes.ts";
export * from "./fgsm.ts";
export * from "./judging_passes.ts";
export * from "./margins.ts";
export * from "./own_attack.ts";
export * from "./perturbation.ts";
export * from "./pgd.ts";
export * from "./random_start.ts";
export * from "./run_attack.ts";
export * from "./slot_attack.ts";
export * from "./smallest_perturbations.ts";
export * from "./square_attack.ts";
export * from "./threat_model.ts";
export * from "./validate_spec.ts";
