import { type EvaluationRow, parseEvaluation, parseSeeds } from "../core/mod.ts";
import { rowsIn } from "./_rows_in.ts";

/** Rates of a folder. */
export interface FolderRates {
  /** A row for each method, attack and radius; of a sweep the mean over its seeds. */
  readonly rows: readonly EvaluationRow[];
  /** What their intervals are; undefined where they are Wilson's. */
  readonly interval?: string;
}

/**
 * Rates of a run, from `evaluation.csv`, or of a sweep, from `means.csv`.
 *
 * @param folder The folder.
 * @returns Its rows; none where neither is there.
 * @throws {DataError} If one is not as expected.
 */
export async function evaluationIn(folder: string): Promise<FolderRates> {
  const rows = await rowsIn(folder, "evaluation.csv", parseEvaluation);
  if (rows.length > 0) return { rows };
  const means = await rowsIn(folder, "means.csv", parseSeeds);
  if (means.length === 0) return { rows };
  const counts = [...new Set(means.filter(({ interval }) => interval === "seeds").map(({ seeds }) => seeds))];
  const ofOne = means.some(({ interval }) => interval === "images");
  const parts = [
    ...(counts.length > 0 ? [`t interval over ${counts.sort((a, b) => a - b).join(" or ")} seeds`] : []),
    ...(ofOne ? [counts.length > 0 ? "Wilson interval where there is one" : "Wilson interval"] : []),
  ];
  return {
    rows: means.map(({ seeds: _, interval: __, ...row }) => ({ ...row, correct: Math.round(row.rate * row.n) })),
    interval: parts.join(", "),
  };
}
