import { frame } from "./_frame.ts";
import { type BracketRow, UsageError } from "../core/mod.ts";
import { methodEncodings, pointsByMethod } from "./_method_encodings.ts";
import { percentAxis } from "./_percent_axis.ts";
import type { TopLevelSpec } from "./render.ts";
import { COLUMN_WIDTH } from "./theme.ts";

/** Options of {@linkcode bracketCurve}. */
export interface BracketCurveOptions {
  /** Heading above the figure; none where omitted. */
  readonly title?: string;
  /**
   * Width of the whole figure in pixels of 1/96 inch.
   * @default {321}
   */
  readonly width?: number;
  /**
   * Height of the whole figure in pixels of 1/96 inch.
   * @default {220}
   */
  readonly height?: number;
}

/**
 * Draws what is known of the worst case so far (percent) against the radius (units of 1/255): for each method a band
 * between the images that every planned attack has failed on and those that none has broken yet. As attacks are run, the
 * band narrows to a line.
 *
 * @param rows Rows of `bracket.csv`, in any order.
 * @param options Heading and size.
 * @returns A Vega-Lite specification with its data inside.
 * @throws {UsageError} If there is no row.
 * @throws {DataError} If two rows stand for the same thing.
 */
export function bracketCurve(rows: readonly BracketRow[], options: BracketCurveOptions = {}): TopLevelSpec {
  const { title, width = COLUMN_WIDTH, height = 220 } = options;
  if (rows.length === 0) throw new UsageError("Cannot draw a bracket without a row: evaluate within a budget first");
  const { labels, color, shape } = methodEncodings(rows, width);
  const round = (rate: number): number => Math.round(rate * 1e6) / 1e4;
  const points = pointsByMethod(
    rows,
    labels,
    ({ lower, upper, n }) => ({ lower: round(lower), upper: round(upper), n }),
  );
  const radii = [...new Set(points.map(({ eps }) => eps))].sort((a, b) => a - b);
  const x = {
    field: "eps",
    type: "quantitative" as const,
    scale: { domain: [0, radii.at(-1)! || 1], nice: false },
    axis: { title: `${rows[0]!.norm} radius ε (units of 1/255)`, values: radii, grid: false, labelFlush: false },
  };
  const y = (field: string) => percentAxis(field, "Robust accuracy so far (%)");
  return {
    ...frame({
      description:
        `Worst case over all planned attacks in percent against the radius for ${labels.join(", ")}: bands ` +
        "from the images that every attack has failed on to those that none has broken yet.",
      width,
      height,
      title,
    }),
    data: { name: "points", values: points },
    layer: [
      { mark: { type: "area", opacity: 0.22 }, encoding: { x, y: y("lower"), y2: { field: "upper" }, color } },
      { mark: { type: "line", strokeWidth: 1.5 }, encoding: { x, y: y("upper"), color } },
      { mark: { type: "line", strokeWidth: 1, strokeDash: [3, 2] }, encoding: { x, y: y("lower"), color } },
      { mark: { type: "point", filled: true, opacity: 1, size: 28 }, encoding: { x, y: y("upper"), color, shape } },
    ],
  };
}
