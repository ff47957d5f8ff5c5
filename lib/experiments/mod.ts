/**
 * One declared object in, a run folder out.
 *
 * ```ts
 * import { override, PRESETS, run, type RunOptions, small } from "@kdiga/kdiga";
 *
 * const experiment = override(small(PRESETS.quickstart!), "students.kdiga.objective.weight=1");
 *
 * async function quickstart(options: RunOptions) {
 *   for await (const event of run(experiment, options)) {
 *     if (event.kind === "end") console.log(event.rows);
 *   }
 * }
 * ```
 *
 * @module
 */
export * from "./analyze_models.ts";
export * from "./artefacts.ts";
export * from "./compare_rows.ts";
export * from "./evaluate_models.ts";
export * from "./evaluate_within.ts";
export * from "./experiment.ts";
export * from "./image_file.ts";
export * from "./inspect_teacher.ts";
export * from "./manifest.ts";
export * from "./merge_sweep.ts";
export * from "./override.ts";
export * from "./presets/mod.ts";
export * from "./report_run.ts";
export * from "./run.ts";
export * from "./run_folder.ts";
export * from "./small.ts";
export * from "./sweep.ts";
export * from "./teacher.ts";
export * from "./watch.ts";
