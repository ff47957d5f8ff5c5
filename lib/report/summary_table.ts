import { type EvaluationRow, parseEps } from "../core/mod.ts";
import type { ReferenceCard } from "./reference_card.ts";
import { type AccuracyTable, accuracyTable } from "./table.ts";

/**
 * Arranges accuracies as a table that stays narrow: one column per attack, at the largest radius. The others are in
 * figures and in `evaluation.csv`.
 *
 * @param rows Rows of `evaluation.csv`, in any order.
 * @param references Published networks, a line each at the end.
 * @returns The table.
 * @throws {DataError} If two rows stand for the same thing.
 */
export function summaryTable(
  rows: readonly EvaluationRow[],
  references: readonly ReferenceCard[] = [],
): AccuracyTable {
  const attacked = rows.filter(({ attack }) => attack !== "clean" && attack !== "worst");
  const largest = attacked.toSorted((a, b) => parseEps(b.eps, Infinity) - parseEps(a.eps, Infinity))[0];
  return accuracyTable(rows, {
    attacks: [...new Set(attacked.map(({ attack }) => attack))],
    references,
    ...(largest === undefined ? {} : { eps: [largest.eps] }),
  });
}
