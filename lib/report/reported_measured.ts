import { DataError, type ReportedRow, UsageError } from "../core/mod.ts";
import { percent } from "./_accuracy.ts";
import { frame } from "./_frame.ts";
import { methodEncodings } from "./_method_encodings.ts";
import type { TopLevelSpec } from "./render.ts";
import { COLUMN_WIDTH, labelOf } from "./theme.ts";

/** Options of {@linkcode reportedMeasured}. */
export interface ReportedMeasuredOptions {
  /** Heading above the figure; none where omitted. */
  readonly title?: string;
  /** Width of the whole figure in pixels of 1/96 inch. @default {321} */
  readonly width?: number;
  /** Height of the whole figure in pixels of 1/96 inch. @default {300, and 13 for each further line of the legend} */
  readonly height?: number;
}

/** Quantile of the 95 % interval. */
const Z = 1.959963984540054;

/**
 * Draws accuracy as it was found here against accuracy as it is reported, both in percent, a point per network and kind
 * of images: hollow without attack, filled under attack, whiskers are the 95 % intervals. On the diagonal both agree. The
 * dotted bounds p ± 1.96 sqrt(p (1 - p) / n) are where 95 % of all samples of n images would lie if p were the truth;
 * a point is within them just where its Wilson interval touches the diagonal. Above them the attack here is weaker than
 * the reported one, or the images are easier; below them more is reported than is there.
 *
 * @param rows Rows, such as those of {@linkcode reportedRows}, in any order.
 * @param options Heading and size.
 * @returns A Vega-Lite specification with its data inside.
 * @throws {UsageError} If there is no row.
 * @throws {DataError} If a rate is none, or two rows stand for the same thing.
 */
export function reportedMeasured(rows: readonly ReportedRow[], options: ReportedMeasuredOptions = {}): TopLevelSpec {
  const { title, width = COLUMN_WIDTH } = options;
  if (rows.length === 0) {
    throw new UsageError("Cannot compare reported with measured accuracies without a row: give cards of the networks");
  }
  const seen = new Set<string>();
  for (const { name, attack, reported } of rows) {
    const key = JSON.stringify([name, attack]);
    if (seen.has(key)) {
      throw new DataError(`Cannot draw "${name}" under "${attack}" as it is there twice: keep one row of each`);
    }
    if (!(reported >= 0 && reported <= 1)) {
      throw new DataError(`Cannot draw "${name}" as its reported accuracy is ${reported}: give a rate from 0 to 1`);
    }
    seen.add(key);
  }
  const { labels, color, shape } = methodEncodings(rows.map(({ name }) => ({ method: name })), width);
  const points = rows.map(({ name, attack, reported, n, rate, low, high }) => ({
    method: labelOf(name),
    attack: labelOf(attack),
    isClean: attack === "clean",
    reported: percent(reported),
    measured: percent(rate),
    low: percent(low),
    high: percent(high),
    n,
  })).sort((a, b) =>
    labels.indexOf(a.method) - labels.indexOf(b.method) || Number(b.isClean) - Number(a.isClean) ||
    a.reported - b.reported || a.measured - b.measured
  );
  // The widest bounds: those of the fewest images.
  const n = Math.min(...rows.map((row) => row.n));
  const most = Math.max(...rows.map((row) => row.n));
  const bounds = Array.from({ length: 51 }, (_, i) => {
    const p = i / 50;
    const half = Z * Math.sqrt(p * (1 - p) / n);
    return { reported: percent(p), below: percent(Math.max(0, p - half)), above: percent(Math.min(1, p + half)) };
  });
  const axis = (field: string, title: string) => ({
    field,
    type: "quantitative" as const,
    scale: { domain: [0, 100], nice: false },
    axis: { title, values: [0, 20, 40, 60, 80, 100], labelFlush: false },
  });
  const x = axis("reported", "Reported accuracy (%)");
  const y = (field: string) => axis(field, "Accuracy here (%): hollow clean, filled attacked");
  const line = { type: "line" as const, color: "#777777", strokeWidth: 0.9 };
  const layersOf = (name: string, values: typeof points, isFilled: boolean) =>
    values.length === 0 ? [] : [
      {
        data: { name, values },
        mark: { type: "rule" as const, strokeWidth: 1, opacity: 0.6 },
        encoding: { x, y: y("low"), y2: { field: "high" }, color },
      },
      {
        data: { name, values },
        mark: {
          type: "point" as const,
          filled: isFilled,
          opacity: 1,
          size: 34,
          strokeWidth: 1.2,
          ...(isFilled ? {} : { fill: "#ffffff" }),
        },
        encoding: { x, y: y("measured"), color, shape },
      },
    ];
  const { height = 287 + 13 * Math.ceil(labels.length / color.legend.columns) } = options;
  return {
    ...frame({
      description: `Accuracy measured here against reported accuracy in percent for ${labels.join(", ")}, with 95 % ` +
        `intervals; on the dashed diagonal both agree, and 95 % of samples of ${n} images lie within the dotted bounds` +
        `${most === n ? "" : `, fewer of those of up to ${most}`}.`,
      width,
      height,
      title,
    }),
    data: { name: "bounds", values: bounds },
    layer: [
      {
        mark: { type: "area", color: "#777777", opacity: 0.08 },
        encoding: { x, y: y("below"), y2: { field: "above" } },
      },
      { mark: { ...line, strokeDash: [1, 2] }, encoding: { x, y: y("below") } },
      { mark: { ...line, strokeDash: [1, 2] }, encoding: { x, y: y("above") } },
      {
        data: { name: "diagonal", values: [{ reported: 0, measured: 0 }, { reported: 100, measured: 100 }] },
        mark: { ...line, strokeDash: [4, 3] },
        encoding: { x, y: y("measured") },
      },
      ...layersOf("clean", points.filter(({ isClean }) => isClean), false),
      ...layersOf("attacked", points.filter(({ isClean }) => !isClean), true),
    ],
  };
}
