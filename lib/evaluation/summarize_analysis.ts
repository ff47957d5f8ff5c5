import {
  ANALYSIS_QUANTITIES,
  type AnalysisQuantity,
  type AnalysisRow,
  meanInterval,
  type MeasurementRow,
} from "../core/mod.ts";

const COLUMN: { readonly [Q in AnalysisQuantity]: (row: MeasurementRow) => number | "" } = {
  "local-linearity": (row) => row.localLinearity,
  "cross-entropy": (row) => row.crossEntropy,
  "gradient-norm": (row) => row.gradientNorm,
  "gradient-gap": (row) => row.gradientGap,
  "gradient-cosine": (row) => row.gradientCosine,
};

/**
 * Means over images with 95 % normal intervals ({@linkcode meanInterval}), a row for each network, radius and quantity.
 * A quantity that no image has, as the gap of a network without a teacher, has no row.
 *
 * @param rows Rows of measurement, each image once per network and radius, finite.
 * @returns Networks and radii in the order of their first rows, quantities in that of {@linkcode ANALYSIS_QUANTITIES}.
 * @throws {RangeError} If a network has fewer than two images at a radius.
 */
export function summarizeAnalysis(rows: readonly MeasurementRow[]): AnalysisRow[] {
  const ofMethods = Map.groupBy(rows, ({ method }) => method);
  return [...ofMethods].flatMap(([method, own]) =>
    [...Map.groupBy(own, ({ eps }) => eps)].flatMap(([eps, group]) =>
      ANALYSIS_QUANTITIES.flatMap((quantity): AnalysisRow[] => {
        const values = group.map(COLUMN[quantity]).filter((value) => value !== "");
        return values.length === 0 ? [] : [{ method, eps, quantity, n: values.length, ...meanInterval(values) }];
      })
    )
  );
}
