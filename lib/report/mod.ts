/**
 * Rows become figures and tables: pure functions from rows to Vega-Lite specifications, drawn as SVG, PNG and PDF with
 * the font inside, and tables as text, Markdown and HTML. No engine is needed.
 *
 * ```ts
 * import { accuracyTable, renderSvg, robustnessCurve, tableText } from "@kdiga/kdiga";
 *
 * const wilson = { n: 500, correct: 260, rate: 0.52, low: 0.4762, high: 0.5635 };
 * const rows = [
 *   { method: "kdiga", attack: "clean", eps: "0", n: 500, correct: 435, rate: 0.87, low: 0.8377, high: 0.8967 },
 *   { method: "kdiga", attack: "pgd-20", eps: "8/255", ...wilson },
 * ];
 * const svg = await renderSvg(robustnessCurve(rows, { attack: "pgd-20" })); // 8.5 cm wide
 * const text = tableText(accuracyTable(rows)); // KDIGA  500  87.0 [83.8, 89.7]  52.0 [47.6, 56.4]
 * ```
 *
 * @module
 */
export * from "./analysis_curve.ts";
export * from "./analysis_table.ts";
export * from "./bracket_curve.ts";
export * from "./bracket_table.ts";
export * from "./break_matrix.ts";
export * from "./certified_bracket.ts";
export * from "./certified_rows.ts";
export * from "./class_robustness.ts";
export * from "./class_table.ts";
export * from "./convergence_fan.ts";
export * from "./cost_table.ts";
export * from "./evaluation_in.ts";
export * from "./epoch_curves.ts";
export * from "./figure.ts";
export * from "./figure_files.ts";
export * from "./figures.ts";
export * from "./first_breaks.ts";
export * from "./image_grid.ts";
export * from "./jupyter.ts";
export * from "./masking_table.ts";
export * from "./overfitting_table.ts";
export * from "./paired_table.ts";
export * from "./reference_card.ts";
export * from "./reliability_diagram.ts";
export * from "./render.ts";
export * from "./render_pdf.ts";
export * from "./report.ts";
export * from "./reported_measured.ts";
export * from "./reported_rows.ts";
export * from "./robustness_bars.ts";
export * from "./robustness_curve.ts";
export * from "./show_images.ts";
export * from "./show_progress.ts";
export * from "./surface_map.ts";
export * from "./summary_table.ts";
export * from "./table.ts";
export { COLUMN_WIDTH, labelOf, methodOrder, type MethodStyle, methodStyles, THEME } from "./theme.ts";
export * from "./teacher_table.ts";
export * from "./theory_check.ts";
export * from "./trade_off.ts";
export * from "./training_curves.ts";
export * from "./verification_table.ts";
export * from "./weight_rows.ts";
export * from "./weight_sweep.ts";
