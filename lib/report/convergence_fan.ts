import { type ConvergenceRow, DataError, MARGIN_QUANTILES, UsageError } from "../core/mod.ts";
import { legendColumns } from "./_labels.ts";
import type { TopLevelSpec } from "./render.ts";
import { COLUMN_WIDTH, FONT_SIZE, labelOf, methodOrder, methodStyles, SCHEMA, THEME } from "./theme.ts";

/** Options of {@linkcode convergenceFan}. */
export interface ConvergenceFanOptions {
  /**
   * Points on a line, spaced evenly over log(1 + looks).
   * @default {60}
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
 * Draws how attacks converge over the images that they have looked at, each with its gradient: above the accuracy that is
 * left, a line for each attack with its 95 % Wilson interval; below for each attack a fan of the quantiles of the lowest
 * margins so far, the median as a line in bands of 25 to 75 and of 5 to 95 %. A line that still falls at its end belongs
 * to an attack that was stopped too early.
 *
 * Rows are those of several attacks on one network, or of one attack on several networks.
 *
 * @param rows Rows of `traceAttacks`, in any order.
 * @param options Points, heading and size.
 * @returns A Vega-Lite specification with its data inside.
 * @throws {UsageError} If there is no row, or rows of several attacks on several networks, or of several radii.
 * @throws {DataError} If two rows stand for the same thing.
 * @throws {RangeError} If `points` is not a positive integer.
 */
export function convergenceFan(rows: readonly ConvergenceRow[], options: ConvergenceFanOptions = {}): TopLevelSpec {
  const { points = 60, title, width = COLUMN_WIDTH, height = 72 } = options;
  if (!Number.isInteger(points) || points < 1) {
    throw new RangeError(`Cannot thin to ${points} points: give an integer of at least 1`);
  }
  if (rows.length === 0) throw new UsageError("Cannot draw a fan without a row: trace attacks first");
  const [methods, attacks] = [new Set(rows.map(({ method }) => method)), new Set(rows.map(({ attack }) => attack))];
  if (methods.size > 1 && attacks.size > 1) {
    throw new UsageError(
      `Cannot draw ${attacks.size} attacks on ${methods.size} networks in one figure: choose one attack or one network`,
    );
  }
  const radii = new Set(rows.map(({ eps }) => eps));
  if (radii.size > 1) throw new UsageError(`Cannot draw radii ${[...radii].join(", ")} in one figure: choose one`);
  const nameOf = methods.size > 1 ? (row: ConvergenceRow) => row.method : (row: ConvergenceRow) => row.attack;
  const names = methodOrder(rows.map(nameOf));
  const styles = methodStyles(names);
  const labels = names.map(labelOf);
  const byName = new Map(names.map((name) => {
    const own = rows.filter((row) => nameOf(row) === name).sort((a, b) => a.looks - b.looks);
    const twice = own.find((row, i) => row.looks === own[i + 1]?.looks);
    if (twice !== undefined) {
      throw new DataError(`Cannot draw "${name}" as its look ${twice.looks} is there twice: keep one row of each`);
    }
    return [name, own];
  }));
  const last = rows.reduce((most, { looks }) => Math.max(most, looks), 0) || 1;
  // A look is kept where it is the last one before the next point.
  const place = (looks: number): number => Math.floor(points * Math.log1p(looks) / Math.log1p(last));
  const kept = names.flatMap((name) => {
    const own = byName.get(name)!;
    return own.filter(({ looks }, i) => i === 0 || i === own.length - 1 || place(looks) < place(own[i + 1]!.looks));
  });
  const digits = (value: number): number => Number(value.toPrecision(4));
  const percent = (rate: number): number => Math.round(rate * 1e4) / 100;
  const left = kept.map((row) => ({
    name: labelOf(nameOf(row)),
    looks: row.looks,
    accuracy: percent(row.rate),
    low: percent(row.low),
    high: percent(row.high),
  }));
  const shares = MARGIN_QUANTILES.map((share) => `q${100 * share}`);
  const fans = kept.map((row) => ({
    name: nameOf(row),
    looks: row.looks,
    ...Object.fromEntries(shares.map((share, i) => [share, digits(row.margins[i]!)])) as Record<string, number>,
  }));
  const lowest = Math.min(0, ...kept.map(({ margins }) => margins[0]));
  const highest = Math.max(0, ...kept.map(({ margins }) => margins[4]));
  const ticks = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]
    // A label beside the end would be cut off.
    .filter((tick) => tick === last || Math.log1p(tick) <= 0.96 * Math.log1p(last));
  const x = (isLast: boolean) => ({
    field: "looks",
    type: "quantitative" as const,
    scale: { type: "symlog" as const, constant: 1, domain: [0, last], nice: false },
    axis: isLast
      ? { title: "Images looked at, one gradient each", values: ticks, grid: false }
      : { title: null, labels: false, values: ticks, grid: false },
  });
  const y = (field: string, heading: string, domain: readonly number[], values?: readonly number[]) => ({
    field,
    type: "quantitative" as const,
    scale: { domain: [...domain], nice: values === undefined },
    axis: {
      title: heading,
      titleFontSize: FONT_SIZE.label,
      tickCount: 4,
      ...(values === undefined ? {} : { values: [...values] }),
      minExtent: AXIS_WIDTH - 15,
      maxExtent: AXIS_WIDTH - 15,
    },
  });
  const plotWidth = width - AXIS_WIDTH - 12;
  const color = {
    field: "name",
    type: "nominal" as const,
    scale: { domain: labels, range: names.map((name) => styles.get(name)!.color) },
    legend: {
      symbolType: "stroke",
      symbolSize: 120,
      orient: "top" as const,
      direction: "horizontal" as const,
      columns: legendColumns(labels, plotWidth),
    },
  };
  const accuracy = (field: string) => y(field, "Accuracy (%)", [0, 100], [0, 50, 100]);
  const fan = (name: string, isLast: boolean) => {
    const own = { color: styles.get(name)!.color };
    const margin = (field: string) => y(field, "Margin", [lowest, highest]);
    const band = (low: string, high: string, opacity: number) => ({
      mark: { type: "area" as const, opacity, ...own },
      encoding: { x: x(isLast), y: margin(low), y2: { field: high } },
    });
    return {
      width: plotWidth,
      height,
      title: { text: labelOf(name), fontSize: FONT_SIZE.label, offset: 2, ...own },
      data: { name: `fan_${name}`, values: fans.filter((each) => each.name === name) },
      layer: [
        band("q5", "q95", 0.2),
        band("q25", "q75", 0.3),
        { mark: { type: "line" as const, strokeWidth: 1.3, ...own }, encoding: { x: x(isLast), y: margin("q50") } },
        { mark: { type: "rule" as const, strokeWidth: 0.8, strokeDash: [3, 2] }, encoding: { y: { datum: 0 } } },
      ],
    };
  };
  const about = methods.size > 1
    ? `of ${labelOf(rows[0]!.attack)} on ${labels.join(", ")}`
    : `of ${labels.join(", ")} on ${labelOf(rows[0]!.method)}`;
  return {
    $schema: SCHEMA,
    description:
      `Convergence ${about} at radius ${rows[0]!.eps}: accuracy left in percent, and quantiles of the lowest ` +
      "margins so far (5, 25, 50, 75, 95 %), over the images looked at.",
    padding: { left: 4, top: 4, right: 6, bottom: 4 },
    ...(title === undefined ? {} : { title }),
    config: THEME,
    spacing: 8,
    vconcat: [
      {
        width: plotWidth,
        height,
        data: { name: "accuracy", values: left },
        layer: [
          {
            mark: { type: "area", opacity: 0.15 },
            encoding: { x: x(false), y: accuracy("low"), y2: { field: "high" }, color },
          },
          { mark: { type: "line", strokeWidth: 1.3 }, encoding: { x: x(false), y: accuracy("accuracy"), color } },
        ],
      },
      ...names.map((name, i) => fan(name, i === names.length - 1)),
    ],
  };
}
