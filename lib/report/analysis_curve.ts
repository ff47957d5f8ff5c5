import { frame } from "./_frame.ts";
import { type AnalysisQuantity, type AnalysisRow, UsageError } from "../core/mod.ts";
import { in255 } from "./_accuracy.ts";
import { methodEncodings, pointsByMethod } from "./_method_encodings.ts";
import { QUANTITIES } from "./_quantities.ts";
import type { TopLevelSpec } from "./render.ts";
import { COLUMN_WIDTH } from "./theme.ts";

/** Options of {@linkcode analysisCurve}. */
export interface AnalysisCurveOptions {
  /**
   * What is drawn.
   * @default {"local-linearity"}
   */
  readonly quantity?: AnalysisQuantity;
  /**
   * Scale of the vertical axis; values of 0 are left out of a logarithmic one, and where
   * there is nothing else it is linear.
   * @default {"log" where at the largest radius one mean is more than 20 times another, but for the cosine}
   */
  readonly scale?: "linear" | "log";
  /** What the bands are. @default {"normal interval"} */
  readonly interval?: string;
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

/**
 * Draws one quantity of the analysis over the radius (units of 1/255), one line per method, with the 95 % interval of
 * every mean as a band.
 *
 * @param rows Rows of `analyze`, of any number of networks and quantities.
 * @param options Quantity, heading and size.
 * @returns A Vega-Lite specification with its data inside.
 * @throws {UsageError} If no row has the quantity.
 * @throws {DataError} If two rows stand for the same thing.
 */
export function analysisCurve(rows: readonly AnalysisRow[], options: AnalysisCurveOptions = {}): TopLevelSpec {
  const { quantity = "local-linearity", interval = "normal interval", title, width = COLUMN_WIDTH, height = 200 } =
    options;
  const own = rows.filter((row) => row.quantity === quantity);
  if (own.length === 0) {
    const present = [...new Set(rows.map((row) => row.quantity))].join(", ");
    throw new UsageError(
      `Cannot draw "${quantity}" as no row has it: ${present === "" ? "analyse first" : `choose one of ${present}`}`,
    );
  }
  const { labels, color, shape } = methodEncodings(own, width);
  const round = (value: number): number => Number(value.toPrecision(6));
  const positive = own.map(({ mean }) => mean).filter((mean) => mean > 0);
  const scale = positive.length === 0 ? "linear" : options.scale ?? usualScale(own);
  // A logarithmic axis has no place for an end of an interval at 0 or below: it ends at half of the least mean.
  const least = scale === "log" ? Math.min(...positive) / 2 : -Infinity;
  const points = pointsByMethod(own, labels, ({ mean, low, high, n }) => ({
    mean: round(mean),
    low: round(Math.max(low, least)),
    high: round(high),
    n,
  })).filter(({ mean }) => scale === "linear" || mean > 0);
  const radii = [...new Set(points.map(({ eps }) => eps))].sort((a, b) => a - b);
  const decades = scale === "log" ? decadesAround(points.flatMap(({ low, high }) => [low, high])) : [];
  const x = {
    field: "eps",
    type: "quantitative" as const,
    scale: { domain: [Math.min(0, radii[0]!), radii.at(-1)! || 1], nice: false },
    axis: { title: "Radius ε (units of 1/255)", values: radii, grid: false, labelFlush: false },
  };
  const y = (field: string) => ({
    field,
    type: "quantitative" as const,
    scale: scale === "log"
      ? { type: scale, domain: [decades[0]!, decades.at(-1)!] }
      : { zero: quantity !== "gradient-cosine", nice: true },
    axis: { title: QUANTITIES[quantity].title, ...(scale === "log" ? { values: decades } : { tickCount: 5 }) },
  });
  return {
    ...frame({
      description: `${QUANTITIES[quantity].title} against the radius for ${
        labels.join(", ")
      }; bands are 95 % intervals (${interval}).`,
      width,
      height,
      title,
    }),
    data: { name: "points", values: points },
    layer: [
      { mark: { type: "area", opacity: 0.16 }, encoding: { x, y: y("low"), y2: { field: "high" }, color } },
      { mark: { type: "line", strokeWidth: 1.5 }, encoding: { x, y: y("mean"), color } },
      { mark: { type: "point", filled: true, opacity: 1, size: 28 }, encoding: { x, y: y("mean"), color, shape } },
    ],
  };
}

/** Logarithmic where the methods at the largest radius would not be told apart otherwise. */
function usualScale(rows: readonly AnalysisRow[]): "linear" | "log" {
  const largest = Math.max(...rows.map(({ eps }) => in255(eps)));
  const means = rows.filter(({ eps }) => in255(eps) === largest).map(({ mean }) => mean);
  const cosine = rows.some(({ quantity }) => quantity === "gradient-cosine");
  return !cosine && Math.min(...means) > 0 && Math.max(...means) > 20 * Math.min(...means) ? "log" : "linear";
}

/** Powers of ten from below all values to above. */
function decadesAround(values: readonly number[]): number[] {
  const first = Math.floor(Math.log10(Math.min(...values)));
  const last = Math.max(Math.ceil(Math.log10(Math.max(...values))), first + 1);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(`1e${first + i}`));
}
