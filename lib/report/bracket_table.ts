import type { BracketRow } from "../core/mod.ts";
import { epsText, in255 } from "./_accuracy.ts";
import type { AccuracyTable } from "./table.ts";
import { labelOf } from "./theme.ts";

/**
 * Arranges what is known of the worst case so far as a table: one line per network and radius, the ends in percent with
 * their 95 % Wilson intervals.
 *
 * @param rows Rows of `bracket.csv`, in the order in which they are to stand.
 * @returns The table.
 */
export function bracketTable(rows: readonly BracketRow[]): AccuracyTable {
  const cell = (...ends: readonly [number, number, number]): string => {
    const [rate, low, high] = ends.map((end) => (100 * end).toFixed(1));
    return `${rate} [${low}, ${high}]`;
  };
  return {
    caption: "Worst case over all planned attacks at this radius and below, in percent of n images [95 % Wilson " +
      "interval]: images that every attack has failed on, and images that none has broken yet. The whole plan ends " +
      "between them; the true robust accuracy may be lower than both.",
    columns: ["Method, radius", "n", "All attacks failed", "Not yet broken"],
    rows: rows.map(({ method, norm, eps, n, lower, lowerLow, lowerHigh, upper, upperLow, upperHigh }) => [
      `${labelOf(method)}, ${in255(eps) === 0 ? "Clean" : `${norm} ${epsText(in255(eps))}`}`,
      `${n}`,
      cell(lower, lowerLow, lowerHigh),
      cell(upper, upperLow, upperHigh),
    ]),
  };
}
