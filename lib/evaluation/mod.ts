/**
 * A classifier, a data set and attacks in, rows of evidence out; and their summary with intervals. No files: who calls
 * keeps the rows and hands back the keys of those that exist.
 *
 * ```ts
 * import { createEngine, createModel, evaluate, type EvidenceRow, freeze, rng, shapes, summarize } from "@kdiga/kdiga";
 *
 * await using engine = await createEngine("reference");
 * const { test: dataset } = shapes({ seed: 1, train: 10, test: 20 });
 * const model = createModel({ kind: "mlp", hidden: [] }, { classes: 10, inputShape: dataset.imageShape });
 * const classifier = freeze(model, model.init(rng(0)));
 * const attacks = [{ attack: { kind: "fgsm" } }] as const;
 * const options = { method: "linear", classifier, dataset, attacks, eps: ["8/255"], seed: 1, batchSize: 10 };
 * const rows: EvidenceRow[] = [];
 * for await (const event of evaluate(engine, options)) {
 *   if (event.kind === "evidence") rows.push(...event.rows);
 * }
 * const table = summarize(rows); // method, attack, eps, n, correct, rate, low, high
 * ```
 *
 * @module
 */
export * from "./adversarial_images.ts";
export * from "./analyze.ts";
export * from "./calibration.ts";
export * from "./check_shapes.ts";
export * from "./compare.ts";
export * from "./evaluate.ts";
export * from "./evidence_key.ts";
export * from "./input_gradients.ts";
export * from "./inspect.ts";
export * from "./local_linearity.ts";
export * from "./loss_gap_bound.ts";
export * from "./loss_surface.ts";
export * from "./masking.ts";
export * from "./narrow.ts";
export * from "./round_images.ts";
export * from "./smallest_radii.ts";
export * from "./summarize.ts";
export * from "./summarize_analysis.ts";
export * from "./summarize_classes.ts";
export * from "./trace_attacks.ts";
export * from "./verify_images.ts";
export * from "./watch_network.ts";
