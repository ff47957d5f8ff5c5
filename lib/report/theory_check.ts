import { type EpochRow, parseEps, UsageError } from "../core/mod.ts";
import { epochAxis, orderedEpochs } from "./_epochs.ts";
import type { TopLevelSpec } from "./render.ts";
import { COLUMN_WIDTH, FONT_SIZE, labelOf, methodOrder, SCHEMA, THEME } from "./theme.ts";

/** Options of {@linkcode theoryCheck}. */
export interface TheoryCheckOptions {
  /** Heading above the figure; none where omitted. */
  readonly title?: string;
  /**
   * Width of the whole figure in pixels of 1/96 inch.
   * @default {321}
   */
  readonly width?: number;
  /**
   * Height of one panel's plot in pixels of 1/96 inch.
   * @default {96}
   */
  readonly height?: number;
}

/** Pixels left of every plot: fixed, so that the panels line up. */
const AXIS_WIDTH = 51;

/** What the bound is made of, from below. */
const TERMS: readonly { readonly term: string; readonly color: string; readonly of: (row: EpochRow) => number }[] = [
  { term: "Loss gap at x", color: "#9a9a9a", of: (row) => Number(row.cleanLossGap) },
  { term: "ε·gradient gap (L1)", color: "#e69f00", of: (row) => parseEps(row.eps) * Number(row.gapL1) },
  { term: "LLM of student", color: "#56b4e9", of: (row) => Number(row.linearity) },
  { term: "LLM of teacher", color: "#b6dcf5", of: (row) => Number(row.teacherLinearity) },
];

const MEASURED = ["Gap at x′", "Gap where LLM was found"] as const;

/**
 * Draws both sides of the theory's bound on the loss gap of student and teacher over the epochs of training, a panel per
 * student: the terms of the measured bound as a stack, and the gaps that were found in the ball as lines, which should
 * stay below it. All are means over the validation images in nats.
 *
 * @param rows Rows of `epochs.csv`, in any order; those without the theory's columns are left out.
 * @param options Heading and size.
 * @returns A Vega-Lite specification with its data inside.
 * @throws {UsageError} If no row has them.
 * @throws {DataError} If a network has two rows of an epoch.
 */
export function theoryCheck(rows: readonly EpochRow[], options: TheoryCheckOptions = {}): TopLevelSpec {
  const { title, width = COLUMN_WIDTH, height = 96 } = options;
  const own = orderedEpochs(rows.filter(({ bound }) => bound !== ""));
  if (own.length === 0) {
    throw new UsageError('Cannot draw the theory as no row has it: train with "watch.theory" set to true');
  }
  const methods = methodOrder(own.map(({ method }) => method));
  const last = own.at(-1)!.epoch;
  const plotWidth = width - AXIS_WIDTH - 9;
  const epochs = [...new Set(own.map(({ epoch }) => epoch))];
  const every = Math.min(...epochs.map((epoch, i) => epoch - (epochs[i - 1] ?? epoch - 1)));
  const x = (isLast: boolean) => ({
    field: "epoch",
    type: "quantitative" as const,
    scale: { domain: [epochs[0]! - every / 2, last + every / 2], nice: false },
    axis: epochAxis(last, isLast),
  });
  const legend = { orient: "top" as const, direction: "horizontal" as const, columns: 2, labelLimit: 0 };
  return {
    $schema: SCHEMA,
    description: "Both sides of the bound on the loss gap of student and teacher over epochs, for " +
      `${
        methods.map(labelOf).join(", ")
      }: the terms of the measured bound as a stack, the gaps found in the ball as lines.`,
    padding: { left: 4, top: 4, right: 6, bottom: 4 },
    ...(title === undefined ? {} : { title }),
    config: THEME,
    spacing: 10,
    vconcat: methods.map((method, panel) => {
      const found = own.filter((row) => row.method === method);
      const isSingle = found.length === 1;
      const isLast = panel === methods.length - 1;
      const y = (field: string) => ({
        field,
        type: "quantitative" as const,
        scale: { zero: true, nice: true },
        axis: {
          title: `${labelOf(method)} (nats)`,
          titleFontSize: FONT_SIZE.label,
          tickCount: 4,
          minExtent: AXIS_WIDTH - 15,
          maxExtent: AXIS_WIDTH - 15,
        },
      });
      const dash = {
        field: "measured",
        type: "nominal" as const,
        scale: { domain: [...MEASURED], range: [[1, 0], [3, 2]] },
        legend: { ...legend, orient: "bottom" as const, symbolType: "stroke", symbolSize: 250 },
      };
      return {
        width: plotWidth,
        height,
        layer: [
          {
            data: { name: `bound_${panel}`, values: found.flatMap(stack) },
            mark: { type: "bar" as const, width: Math.max(1, 0.86 * plotWidth * every / (last - epochs[0]! + every)) },
            encoding: {
              x: x(isLast),
              y: y("from"),
              y2: { field: "to" },
              color: {
                field: "term",
                type: "nominal" as const,
                scale: { domain: TERMS.map(({ term }) => term), range: TERMS.map(({ color }) => color) },
                legend: { ...legend, symbolType: "square" },
              },
            },
          },
          {
            data: { name: `gaps_${panel}`, values: found.flatMap(measured) },
            mark: { type: "line" as const, color: "#000000", strokeWidth: 1.3, point: isSingle },
            encoding: { x: x(isLast), y: y("gap"), strokeDash: dash },
          },
        ],
      };
    }),
  };
}

function stack(row: EpochRow): { epoch: number; term: string; from: number; to: number }[] {
  let from = 0;
  return TERMS.map(({ term, of }) => {
    const to = from + of(row);
    const piece = { epoch: row.epoch, term, from: short(from), to: short(to) };
    from = to;
    return piece;
  });
}

function measured(row: EpochRow): { epoch: number; measured: string; gap: number }[] {
  return [row.attackLossGap, row.searchLossGap].map((gap, i) => ({
    epoch: row.epoch,
    measured: MEASURED[i]!,
    gap: short(Number(gap)),
  }));
}

function short(value: number): number {
  return Number(value.toPrecision(6));
}
