import { ANALYSIS_QUANTITIES, type AnalysisQuantity, type AnalysisRow, UsageError } from "../core/mod.ts";
import { epsText, in255 } from "./_accuracy.ts";
import { QUANTITIES } from "./_quantities.ts";
import type { AccuracyTable } from "./table.ts";
import { labelOf, methodOrder } from "./theme.ts";

/** Options of {@linkcode analysisTable}. */
export interface AnalysisTableOptions {
  /**
   * What is shown.
   * @default {all that the rows have}
   */
  readonly quantities?: readonly AnalysisQuantity[];
  /**
   * Radii as text.
   * @default {all of the rows}
   */
  readonly eps?: readonly string[];
}

/**
 * Arranges the analysis as a table: method by (quantity at radius), each cell "0.524 [0.502, 0.546]" with the 95 % normal
 * interval of the mean over images.
 *
 * @param rows Rows of `analysis.csv`, in any order.
 * @param options Quantities and radii to show.
 * @returns The table.
 * @throws {UsageError} If there is no such row.
 */
export function analysisTable(rows: readonly AnalysisRow[], options: AnalysisTableOptions = {}): AccuracyTable {
  const { quantities = ANALYSIS_QUANTITIES } = options;
  const radii = options.eps?.map(in255);
  const shown = rows.map((row) => ({ ...row, radius: in255(row.eps) }))
    .filter(({ quantity, radius }) => quantities.includes(quantity) && (radii === undefined || radii.includes(radius)));
  if (shown.length === 0) {
    throw new UsageError("Cannot make a table of the analysis as no row has that quantity and radius: analyse first");
  }
  const columns = quantities.flatMap((quantity) =>
    [...new Set(shown.filter((row) => row.quantity === quantity).map(({ radius }) => radius))]
      .sort((a, b) => a - b)
      .map((radius) => ({ quantity, radius, heading: `${QUANTITIES[quantity].heading} ${epsText(radius)}` }))
  );
  return {
    caption:
      "Means over n images [95 % normal interval]: local linearity error in nats; cross-entropy at adversarial " +
      "images in nats, the L2 length of its input gradient, and that gradient against the teacher's.",
    columns: ["Method", "n", ...columns.map(({ heading }) => heading)],
    rows: methodOrder(shown.map(({ method }) => method)).map((method) => {
      const own = shown.filter((row) => row.method === method);
      const cells = columns.map(({ quantity, radius }) => {
        const row = own.find((row) => row.quantity === quantity && row.radius === radius);
        return row === undefined ? "-" : `${short(row.mean)} [${short(row.low)}, ${short(row.high)}]`;
      });
      return [labelOf(method), [...new Set(own.map(({ n }) => n))].join(", "), ...cells];
    }),
  };
}

/** Three significant digits, no exponent where four places do. */
function short(value: number): string {
  const text = value.toPrecision(3);
  return text.includes("e") || text === "0.00" ? String(Number(text)) : text;
}
