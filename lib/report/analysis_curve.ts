import { type AnalysisQuantity, type AnalysisRow, DataError, UsageError } from "../core/mod.ts";
import { in255 } from "./_accuracy.ts";
import { legendColumns } from "./_labels.ts";
import type { TopLevelSpec } from "./render.ts";
import { COLUMN_WIDTH, labelOf, methodStyles, SCHEMA, THEME } from "./theme.ts";

/** Options of {@linkcode analysisCurve}. */
export interface AnalysisCurveOptions {
  /**
   * What is drawn.
   * @default {"local-linearity"}
   */
  readonly quantity?: AnalysisQuantity;
  /** Heading above the figure; none where omitted. */
  readonly title?: string;
  /**
   * Width of the whole figure in pixels of 1/96 inch.
   * @default {321}
   */
  readonly width?: number;
  /**
   * Height of the whole figure in pixels of 1/96 inch.
   * @default {200}
   */
  readonly height?: number;
}

const TITLES: { readonly [Q in AnalysisQuantity]: string } = {
  "local-linearity": "Local linearity error (nats)",
  "cross-entropy": "Cross-entropy (nats)",
  "gradient-norm": "Length of the input gradient",
  "gradient-gap": "Gradient gap to the teacher",
  "gradient-cosine": "Gradient cosine to the teacher",
};

/**
 * Draws one quantity of the analysis over the radius (units of 1/255), one line per method, with the 95 % normal interval
 * of every mean as a band.
 *
 * @param rows Rows of `analyze`, of any number of networks and quantities.
 * @param options Quantity, heading and size.
 * @returns A Vega-Lite specification with its data inside.
 * @throws {UsageError} If no row has the quantity.
 * @throws {DataError} If two rows stand for the same thing.
 */
export function analysisCurve(rows: readonly AnalysisRow[], options: AnalysisCurveOptions = {}): TopLevelSpec {
  const { quantity = "local-linearity", title, width = COLUMN_WIDTH, height = 200 } = options;
  const own = rows.filter((row) => row.quantity === quantity);
  if (own.length === 0) {
    const present = [...new Set(rows.map((row) => row.quantity))].join(", ");
    throw new UsageError(
      `Cannot draw "${quantity}" as no row has it: ${present === "" ? "analyse first" : `choose one of ${present}`}`,
    );
  }
  const styles = methodStyles(own.map((row) => row.method));
  const labels = [...styles.keys()].map(labelOf);
  const seen = new Set<string>();
  const round = (value: number): number => Number(value.toPrecision(6));
  const points = own.map(({ method, eps, mean, low, high, n }) => {
    const key = `${method} ${in255(eps)}`;
    if (seen.has(key)) {
      throw new DataError(`Cannot draw "${method}" as eps ${eps} is there twice: keep one row of each`);
    }
    seen.add(key);
    return { method: labelOf(method), eps: in255(eps), mean: round(mean), low: round(low), high: round(high), n };
  }).sort((a, b) => labels.indexOf(a.method) - labels.indexOf(b.method) || a.eps - b.eps);
  const radii = [...new Set(points.map(({ eps }) => eps))].sort((a, b) => a - b);
  const styled = [...styles.values()];
  const color = {
    field: "method",
    type: "nominal" as const,
    scale: { domain: labels, range: styled.map((style) => style.color) },
    legend: { orient: "top" as const, direction: "horizontal" as const, columns: legendColumns(labels, width - 40) },
  };
  const shape = { ...color, scale: { domain: labels, range: styled.map((style) => style.shape) } };
  const x = {
    field: "eps",
    type: "quantitative" as const,
    scale: { domain: [Math.min(0, radii[0]!), radii.at(-1)! || 1], nice: false },
    axis: { title: "Radius ε (units of 1/255)", values: radii, grid: false },
  };
  const y = (field: string) => ({
    field,
    type: "quantitative" as const,
    scale: { zero: quantity !== "gradient-cosine", nice: true },
    axis: { title: TITLES[quantity], tickCount: 5 },
  });
  return {
    $schema: SCHEMA,
    description: `${TITLES[quantity]} against the radius for ${labels.join(", ")}; bands are 95 % normal intervals.`,
    width,
    height,
    autosize: { type: "fit", contains: "padding" },
    padding: { left: 4, top: 4, right: 8, bottom: 4 },
    ...(title === undefined ? {} : { title }),
    config: THEME,
    data: { name: "points", values: points },
    layer: [
      { mark: { type: "area", opacity: 0.16 }, encoding: { x, y: y("low"), y2: { field: "high" }, color } },
      { mark: { type: "line", strokeWidth: 1.5 }, encoding: { x, y: y("mean"), color } },
      { mark: { type: "point", filled: true, opacity: 1, size: 28 }, encoding: { x, y: y("mean"), color, shape } },
    ],
  };
}
