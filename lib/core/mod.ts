/**
 * What every room uses and no tensor appears in: seeds and streams, units (8/255), intervals, rows and their CSV files,
 * canonical JSON, atomic files, errors that a user can mend.
 *
 * ```ts
 * import { formatEps, rng, wilson } from "@kdiga/kdiga";
 *
 * // Image 7 gets the same start in every batch, order and run.
 * const start = rng(1, "attack", "pgd-20").child(7).uniform([16, 16, 3], -8 / 255, 8 / 255);
 * const { rate, low, high } = wilson(437, 1000); // 0.437 in [0.407, 0.468]
 * const text = formatEps(8 / 255); // "8/255"
 * ```
 *
 * @module
 */
export * from "./clopper_pearson.ts";
export * from "./csv.ts";
export * from "./display.ts";
export * from "./draws.ts";
export * from "./encode_png.ts";
export * from "./errors.ts";
export * from "./escape_html.ts";
export * from "./facts_bundle.ts";
export * from "./fetch_file.ts";
export * from "./files.ts";
export * from "./fraction.ts";
export * from "./glob.ts";
export * from "./hash_file.ts";
export * from "./interval.ts";
export * from "./json.ts";
export * from "./mcnemar.ts";
export * from "./mean_interval.ts";
export * from "./ndarray.ts";
export * from "./network_reason.ts";
export * from "./normal.ts";
export * from "./paired_difference.ts";
export * from "./progress.ts";
export * from "./rank_correlation.ts";
export * from "./read_npy.ts";
export * from "./read_tar.ts";
export * from "./rng.ts";
export * from "./rows.ts";
export * from "./sample_beta.ts";
export * from "./student_t.ts";
export * from "./write_error.ts";
