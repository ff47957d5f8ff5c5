import { type StepRow, UsageError } from "../core/mod.ts";
import { methodEncodings } from "./_method_encodings.ts";
import type { TopLevelSpec } from "./render.ts";
import { COLUMN_WIDTH, compareText, FONT_SIZE, labelOf, methodOrder, SCHEMA, THEME } from "./theme.ts";

/** Options of {@linkcode trainingCurves}. */
export interface TrainingCurvesOptions {
  /**
   * Terms, one panel each, from the top; "loss" is their sum.
   * @default {"loss" and every term of the rows}
   */
  readonly terms?: readonly string[];
  /**
   * Largest number of points on a line; each is the mean of equally many consecutive steps.
   * @default {100}
   */
  readonly points?: number;
  /** Heading above the figure; none where omitted. */
  readonly title?: string;
  /**
   * Width of the whole figure in pixels of 1/96 inch.
   * @default {321}
   */
  readonly width?: number;
  /**
   * Height of one panel's plot in pixels of 1/96 inch.
   * @default {72}
   */
  readonly height?: number;
}

/** Pixels left of every plot: fixed, so that the panels line up. */
const AXIS_WIDTH = 51;

/**
 * Draws each loss term over the steps of training, one panel per term and one line per method. A line with more steps
 * than points is thinned by means over runs of equally many consecutive steps (the last run may be shorter), drawn at
 * the mean step of the run. It ends in its method's point.
 *
 * @param rows Rows of `steps.csv`, in any order.
 * @param options Terms, number of points, heading and size.
 * @returns A Vega-Lite specification with its data inside.
 * @throws {UsageError} If there is no row, or no row has one of the terms.
 * @throws {RangeError} If `points` is not a positive integer.
 */
export function trainingCurves(rows: readonly StepRow[], options: TrainingCurvesOptions = {}): TopLevelSpec {
  const { points = 100, title, width = COLUMN_WIDTH, height = 72 } = options;
  if (!Number.isInteger(points) || points < 1) {
    throw new RangeError(`Cannot thin to ${points} points: give an integer of at least 1`);
  }
  if (rows.length === 0) throw new UsageError("Cannot draw training curves as there is no step: train first");
  const present = ["loss", ...[...new Set(rows.flatMap((row) => Object.keys(row.terms)))].sort(compareTerms)];
  const { terms = present } = options;
  for (const term of terms) {
    if (!present.includes(term)) {
      throw new UsageError(`Cannot draw term "${term}" as no step has it: choose from ${present.join(", ")}`);
    }
  }
  const methods = methodOrder(rows.map((row) => row.method));
  const byMethod = new Map(methods.map((method) => [
    method,
    rows.filter((row) => row.method === method).sort((a, b) => a.step - b.step),
  ]));
  const last = rows.reduce((most, row) => Math.max(most, row.step), 0);
  const plotWidth = width - AXIS_WIDTH - 10;
  const { labels, color, shape } = methodEncodings(rows, plotWidth + 40);

  return {
    $schema: SCHEMA,
    description: `Loss terms (${terms.map(labelOf).join(", ")}) over training steps for ${labels.join(", ")}.`,
    padding: { left: 4, top: 4, right: 6, bottom: 4 },
    ...(title === undefined ? {} : { title }),
    config: THEME,
    spacing: 10,
    vconcat: terms.map((term, panel) => {
      const values = methods.flatMap((method) =>
        thin(valuesOf(byMethod.get(method)!, term), points)
          .map(({ step, value }) => ({ method: labelOf(method), step, value }))
      );
      const ends = methods.flatMap((method) => values.findLast((point) => point.method === labelOf(method)) ?? []);
      const x = {
        field: "step",
        type: "quantitative" as const,
        scale: { domain: [0, last + 1], nice: false },
        axis: panel === terms.length - 1
          ? { title: "Training step", tickCount: 5, grid: false }
          : { title: null, labels: false, tickCount: 5, grid: false },
      };
      const power = powerOf(values.map(({ value }) => value));
      const y = {
        field: "value",
        type: "quantitative" as const,
        scale: { zero: false, nice: true },
        axis: {
          title: power === 0 ? labelOf(term) : `${labelOf(term)} (×10${superscript(power)})`,
          ...(power === 0 ? {} : { labelExpr: `format(datum.value * ${10 ** -power}, "~g")` }),
          titleFontSize: FONT_SIZE.label,
          tickCount: 4,
          minExtent: AXIS_WIDTH - 15,
          maxExtent: AXIS_WIDTH - 15,
        },
      };
      return {
        width: plotWidth,
        height,
        data: { name: `term_${panel}`, values },
        layer: [
          { mark: { type: "line" as const, strokeWidth: 1.2 }, encoding: { x, y, color } },
          {
            // Which line is whose is seen without colours too.
            data: { name: `ends_${panel}`, values: ends },
            mark: { type: "point" as const, filled: true, opacity: 1, size: 22 },
            encoding: { x, y, color, shape },
          },
        ],
      };
    }),
  };
}

/** Steps and values of a term, leaving out the steps that do not have it as a finite number. */
function valuesOf(rows: readonly StepRow[], term: string): { step: number; value: number }[] {
  return rows.flatMap((row) => {
    const value = term === "loss" ? row.loss : row.terms[term];
    return value === undefined || !Number.isFinite(value) ? [] : [{ step: row.step, value }];
  });
}

/** Means over runs of equally many steps, so that at most `points` are left; values rounded to six digits. */
function thin(values: readonly { step: number; value: number }[], points: number): { step: number; value: number }[] {
  const run = Math.ceil(values.length / points);
  const thinned: { step: number; value: number }[] = [];
  for (let start = 0; start < values.length; start += run) {
    const slice = values.slice(start, start + run);
    const mean = (key: "step" | "value"): number => slice.reduce((sum, row) => sum + row[key], 0) / slice.length;
    thinned.push({ step: Number(mean("step").toPrecision(6)), value: Number(mean("value").toPrecision(6)) });
  }
  return thinned;
}

/** Power of ten that the axis is labelled in: 0 for values of ordinary size. */
function powerOf(values: readonly number[]): number {
  const power = Math.floor(Math.log10(values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)));
  return Number.isFinite(power) && (power < -1 || power > 3) ? power : 0;
}

function superscript(power: number): string {
  return [...String(power)].map((character) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(character)]).join("");
}

/** Cross-entropy first, then the distillation terms, then the others by name. */
function compareTerms(a: string, b: string): number {
  const rank = (term: string): number => {
    const index = ["ce", "kl", "iga"].indexOf(term);
    return index < 0 ? 3 : index;
  };
  return rank(a) - rank(b) || compareText(a, b);
}
