import type { PairedRow } from "../core/mod.ts";
import { epsText, in255 } from "./_accuracy.ts";
import type { AccuracyTable } from "./table.ts";
import { labelOf } from "./theme.ts";

/**
 * Arranges comparisons of two networks on the same images as a table: one line per attack and radius.
 *
 * @param rows Rows of `compare`, in the order in which they are to stand.
 * @returns The table.
 */
export function pairedTable(rows: readonly PairedRow[]): AccuracyTable {
  return {
    caption: "Differences of accuracies on the same n images in percentage points [95 % Newcombe paired interval]; " +
      "images that only one holds; p of the exact McNemar test, not corrected for the number of lines.",
    columns: ["Attack", "n", "Difference", "Only first", "Only second", "p"],
    rows: rows.map(({ method, other, attack, eps, n, difference, low, high, onlyFirst, onlySecond, p }) => [
      `${labelOf(method)} - ${labelOf(other)}, ${
        attack === "clean" ? "Clean" : `${labelOf(attack)} ${epsText(in255(eps))}`
      }`,
      `${n}`,
      `${points(difference)} [${points(low)}, ${points(high)}]`,
      `${onlyFirst}`,
      `${onlySecond}`,
      p < 1e-4 ? "<0.0001" : p.toFixed(4),
    ]),
  };
}

/** "+1.2" percentage points; nothing is "-0.0". */
function points(value: number): string {
  const text = (100 * value).toFixed(1);
  return Number(text) === 0 ? "0.0" : value > 0 ? `+${text}` : text;
}
