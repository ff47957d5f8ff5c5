import { type EpochRow, UsageError } from "../core/mod.ts";
import { methodEncodings } from "./_method_encodings.ts";
import { bestEpoch, epochAxis, orderedEpochs } from "./_epochs.ts";
import type { TopLevelSpec } from "./render.ts";
import { COLUMN_WIDTH, FONT_SIZE, labelOf, SCHEMA, THEME } from "./theme.ts";

/** Options of {@linkcode epochCurves}. */
export interface EpochCurvesOptions {
  /** Heading above the figure; none where omitted. */
  readonly title?: string;
  /**
   * Width of the whole figure in pixels of 1/96 inch.
   * @default {321}
   */
  readonly width?: number;
  /**
   * Height of one panel's plot in pixels of 1/96 inch.
   * @default {90}
   */
  readonly height?: number;
}

/** Pixels left of every plot: fixed, so that the panels line up. */
const AXIS_WIDTH = 51;

/**
 * Draws the accuracy on validation images over the epochs of training, a line per network: without an attack above,
 * under the watch's attack below. A ring marks the epoch of highest accuracy under the attack, a cross an alarm.
 *
 * @param rows Rows of `epochs.csv`, in any order.
 * @param options Heading and size.
 * @returns A Vega-Lite specification with its data inside.
 * @throws {UsageError} If there is no row.
 * @throws {DataError} If a network has two rows of an epoch.
 */
export function epochCurves(rows: readonly EpochRow[], options: EpochCurvesOptions = {}): TopLevelSpec {
  const { title, width = COLUMN_WIDTH, height = 90 } = options;
  if (rows.length === 0) throw new UsageError("Cannot draw curves over epochs without a row: train with a watch");
  const plotWidth = width - AXIS_WIDTH - 9;
  const { labels, color, shape } = methodEncodings(rows, plotWidth + 40);
  const ordered = orderedEpochs(rows);
  const points = ordered.map(({ method, epoch, cleanAccuracy, robustAccuracy, alarm }) => ({
    method: labelOf(method),
    epoch,
    clean: percent(cleanAccuracy),
    robust: percent(robustAccuracy),
    alarm,
    best: bestEpoch(ordered, method).epoch === epoch,
  })).sort((a, b) => labels.indexOf(a.method) - labels.indexOf(b.method) || a.epoch - b.epoch);
  const last = Math.max(...points.map(({ epoch }) => epoch));
  const attacks = [...new Set(rows.map(({ attack, eps }) => `${labelOf(attack)} ${eps}`))].join(", ");
  const panel = (field: "clean" | "robust", heading: string, isLast: boolean) => {
    const x = {
      field: "epoch",
      type: "quantitative" as const,
      // Room for half a ring at both ends.
      scale: { domain: [1 - 0.02 * last, 1.02 * last], nice: false },
      axis: epochAxis(last, isLast),
    };
    const y = {
      field,
      type: "quantitative" as const,
      scale: { zero: false, nice: true },
      axis: {
        title: heading,
        titleFontSize: FONT_SIZE.label,
        tickCount: 5,
        minExtent: AXIS_WIDTH - 15,
        maxExtent: AXIS_WIDTH - 15,
      },
    };
    const mark = (name: string, values: typeof points, shape: string, size: number) =>
      field === "clean" || values.length === 0 ? [] : [{
        data: { name, values },
        mark: { type: "point" as const, filled: false, shape, size, strokeWidth: 1.2, opacity: 1 },
        encoding: { x, y, color },
      }];
    return {
      width: plotWidth,
      height,
      data: { name: `points_${field}`, values: points },
      layer: [
        { mark: { type: "line" as const, strokeWidth: 1.3 }, encoding: { x, y, color } },
        {
          mark: { type: "point" as const, filled: true, size: last > 20 ? 8 : 18, opacity: 1 },
          encoding: { x, y, color, shape },
        },
        ...mark("best", points.filter(({ best }) => best), "circle", 55),
        ...mark("alarms", points.filter(({ alarm }) => alarm !== ""), "M-1,-1L1,1M-1,1L1,-1", 45),
      ],
    };
  };
  return {
    $schema: SCHEMA,
    description: `Accuracy on validation images over epochs, clean and under ${attacks}, for ${labels.join(", ")}; ` +
      "a ring marks the best epoch, a cross an alarm.",
    padding: { left: 4, top: 4, right: 6, bottom: 4 },
    ...(title === undefined ? {} : { title }),
    config: THEME,
    spacing: 10,
    vconcat: [panel("clean", "Clean (%)", false), panel("robust", `${attacks} (%)`, true)],
  };
}

function percent(rate: number): number {
  return Math.round(rate * 1e4) / 100;
}
