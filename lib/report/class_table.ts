import type { ClassRow } from "../core/mod.ts";
import { attacksOf, epsText, in255 } from "./_accuracy.ts";
import type { AccuracyTable } from "./table.ts";
import { labelOf, methodOrder } from "./theme.ts";

/**
 * Arranges accuracies class by class as a table: a line per network and class, a column per attack and radius, each cell
 * "52.4 [50.2, 54.6]" in percent with its 95 % Wilson interval.
 *
 * @param rows Rows of `summarizeClasses`, in any order.
 * @param classes Names of the classes; their numbers where omitted.
 * @returns The table.
 */
export function classTable(rows: readonly ClassRow[], classes: readonly string[] = []): AccuracyTable {
  const columns = ["clean", ...attacksOf(rows)].flatMap((attack) =>
    [...new Set(rows.filter((row) => row.attack === attack).map((row) => in255(row.eps)))]
      .sort((a, b) => a - b)
      .map((eps) => ({ attack, eps, heading: attack === "clean" ? "Clean" : `${labelOf(attack)} ${epsText(eps)}` }))
  );
  const labels = [...new Set(rows.map((row) => row.label))].sort((a, b) => a - b);
  const percent = (rate: number): string => (100 * rate).toFixed(1);
  return {
    caption: "Accuracy in percent [95 % Wilson interval] on the n images of each class.",
    columns: ["Method, class", "n", ...columns.map(({ heading }) => heading)],
    rows: methodOrder(rows.map((row) => row.method)).flatMap((method) =>
      labels.flatMap((label) => {
        const own = rows.filter((row) => row.method === method && row.label === label);
        if (own.length === 0) return [];
        const cells = columns.map(({ attack, eps }) => {
          const row = own.find((row) => row.attack === attack && in255(row.eps) === eps);
          return row === undefined ? "-" : `${percent(row.rate)} [${percent(row.low)}, ${percent(row.high)}]`;
        });
        const counts = own.map((row) => row.n);
        const [least, most] = [Math.min(...counts), Math.max(...counts)];
        const n = least === most ? `${most}` : `${least} to ${most}`;
        return [[`${labelOf(method)}, ${classes[label] ?? label}`, n, ...cells]];
      })
    ),
  };
}
