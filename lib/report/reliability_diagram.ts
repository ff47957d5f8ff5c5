import { frame } from "./_frame.ts";
import { type ReliabilityRow, UsageError } from "../core/mod.ts";
import { imagesLabel } from "./_images_label.ts";
import { legendColumns } from "./_labels.ts";
import type { TopLevelSpec } from "./render.ts";
import { COLUMN_WIDTH, compareText } from "./theme.ts";

/** Options of {@linkcode reliabilityDiagram}. */
export interface ReliabilityDiagramOptions {
  /** Heading above the figure; none where omitted. */
  readonly title?: string;
  /**
   * Width of the whole figure in pixels of 1/96 inch.
   * @default {321}
   */
  readonly width?: number;
  /**
   * Height of the whole figure in pixels of 1/96 inch.
   * @default {280}
   */
  readonly height?: number;
}

/** Percent of the images that a bin must hold for the line to go through it. */
const LINE_SHARE = 2;

/** Colours of kinds of images: the first, clean, in black. */
const COLORS = ["#000000", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#882255"];

/**
 * Draws accuracy over confidence, a line per kind of images, a point per bin that holds images, the larger the more of
 * them. Bins of less than 2 % of the images are points alone: their accuracies are those of single images. On the dashed diagonal confidence is accuracy; below it the network is surer than it is right.
 *
 * Source: Guo et al., "On calibration of modern neural networks" (2017), figure 1.
 *
 * @param rows Rows of `reliability.csv`.
 * @param options Heading and size.
 * @returns A Vega-Lite specification with its data inside.
 * @throws {UsageError} If there is no row.
 */
export function reliabilityDiagram(
  rows: readonly ReliabilityRow[],
  options: ReliabilityDiagramOptions = {},
): TopLevelSpec {
  const { title, width = COLUMN_WIDTH, height = 280 } = options;
  if (rows.length === 0) {
    throw new UsageError("Cannot draw a reliability diagram without a bin: inspect a teacher first");
  }
  const radii = [...new Set(rows.filter(({ images }) => images !== "clean").map(({ eps }) => eps))];
  const nameOf = (row: ReliabilityRow): string => imagesLabel(row, radii.length > 1);
  const rank = ({ images, source }: ReliabilityRow): string =>
    source === "" ? images === "clean" ? "" : `0 ${images}` : `1 ${source} ${images}`;
  const ordered = rows.toSorted((a, b) => compareText(rank(a), rank(b)) || a.from - b.from);
  const labels = [...new Set(ordered.map(nameOf))];
  const totals = new Map(
    labels.map((label) => [label, rows.filter((row) => nameOf(row) === label).reduce((sum, { n }) => sum + n, 0)]),
  );
  const short = (value: number): number => Number((100 * value).toPrecision(6));
  const points = ordered.map((row) => ({
    images: nameOf(row),
    confidence: short(row.confidence),
    accuracy: short(row.accuracy),
    share: short(row.n / totals.get(nameOf(row))!),
  }));
  const heading = `Confidence (%)${radii.length === 1 ? `, ε = ${radii[0]}` : ""}`;
  const axis = { values: [0, 20, 40, 60, 80, 100] };
  const scale = { domain: [0, 100], nice: false };
  const x = { field: "confidence", type: "quantitative" as const, scale, axis: { title: heading, ...axis } };
  const y = { field: "accuracy", type: "quantitative" as const, scale, axis: { title: "Accuracy (%)", ...axis } };
  const color = {
    field: "images",
    type: "nominal" as const,
    scale: { domain: labels, range: labels.map((_, i) => COLORS[i % COLORS.length]!) },
    legend: { orient: "top" as const, direction: "horizontal" as const, columns: legendColumns(labels, width - 40) },
  };
  return {
    ...frame({
      description: `Accuracy over confidence in bins, for ${labels.join(", ")}${
        radii.length === 1 ? ` at ${radii[0]}` : ""
      }; the diagonal is perfect calibration.`,
      width,
      height,
      title,
    }),
    layer: [
      {
        data: { name: "diagonal", values: [{ confidence: 0, accuracy: 0 }, { confidence: 100, accuracy: 100 }] },
        mark: { type: "line", strokeWidth: 0.8, strokeDash: [3, 3], color: "#777777" },
        encoding: { x, y },
      },
      {
        data: { name: "bins", values: points.filter(({ share }) => share >= LINE_SHARE) },
        mark: { type: "line", strokeWidth: 1.2 },
        encoding: { x, y, color },
      },
      {
        data: { name: "sized", values: points },
        mark: { type: "point", filled: true, opacity: 0.85 },
        encoding: {
          x,
          y,
          color,
          size: { field: "share", type: "quantitative", scale: { domain: [0, 100], range: [6, 320] }, legend: null },
        },
      },
    ],
  };
}
