/**
 * Certificates: what no attack within a radius can change.
 *
 * Bounds: lower bounds of a classifier's margins over whole balls of images, by interval bound propagation and linear
 * relaxation ({@linkcode boundMargins}). Smoothing: radii that hold with a probability, of a classifier that votes under
 * noise ({@linkcode certifySmoothed}).
 *
 * ```ts
 * import { boundMargins, createEngine, createModel, freeze, gather, rng, shapes } from "@kdiga/kdiga";
 *
 * await using engine = await createEngine("reference");
 * const { test } = shapes({ seed: 1, train: 10, test: 10 });
 * const model = createModel({ kind: "mlp", hidden: [8] }, { classes: 10, inputShape: test.imageShape });
 * const classifier = freeze(model, model.init(rng(1)));
 * const { x, y } = gather(test, [0, 1, 2, 3]);
 * const method = { kind: "crown" } as const;
 * const bounds = await boundMargins(engine, classifier, { x, y, eps: 2 / 255, norm: "Linf", method });
 * console.log(bounds.shape); // [4, 10]
 * ```
 *
 * For bounds a classifier is taken as a list of TensorFlow.js's kernels (`recordKernels` of the engine room), and they are
 * made of the operators of `engine/ops.ts` again: so they compile on every engine, and can be differentiated. To cover
 * another operator: `_linear_kernels.ts` where it is linear in what depends on the image, else `_relaxations.ts`.
 *
 * @module
 */
export * from "./bound_margins.ts";
export * from "./bound_spec.ts";
export * from "./certified_accuracy.ts";
export { certifiedRadii, type RadiusQuestion } from "./certified_radii.ts";
export * from "./certify_images.ts";
export * from "./certify_smoothed.ts";
export * from "./compare_certificates.ts";
export * from "./local_certificates.ts";
export * from "./lower_margins.ts";
export * from "./predict_smoothed.ts";
export * from "./smoothed_radius.ts";
export * from "./smoothing_spec.ts";
