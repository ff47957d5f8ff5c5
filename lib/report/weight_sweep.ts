import { DataError, UsageError, type WeightRow } from "../core/mod.ts";
import { accuracyOf, commonRadii, epsText, in255, requireAttack, wholeAttacks } from "./_accuracy.ts";
import { frame } from "./_frame.ts";
import { legendColumns, spreadLabels } from "./_labels.ts";
import { percentAxis } from "./_percent_axis.ts";
import type { TopLevelSpec } from "./render.ts";
import { COLUMN_WIDTH, FONT_SIZE, labelOf, methodStyles } from "./theme.ts";

/** Options of {@linkcode weightSweep}. */
export interface WeightSweepOptions {
  /** Attacks beside "clean". @default {all but stages of ensembles and "worst"} */
  readonly attacks?: readonly string[];
  /** Their radius in pixel units as text. @default {the largest one that all of them have} */
  readonly eps?: string;
  /** What the weight is of, for the axis. @default {"Weight of the alignment"} */
  readonly weight?: string;
  /** What the bands are. @default {"Wilson interval"} */
  readonly interval?: string;
  /** Heading above the figure; none where omitted. */
  readonly title?: string;
  /** Width of the whole figure in pixels of 1/96 inch. @default {321} */
  readonly width?: number;
  /** Height of the whole figure in pixels of 1/96 inch. @default {220} */
  readonly height?: number;
}

/** Shapes of "clean" and the attacks in turn: beside the names at the lines' ends, what tells the lines apart. */
const SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"];

/**
 * Draws accuracy (percent) without attack and under attacks at one radius against the weight of a term, a line per method
 * and attack in the method's colour, with the 95 % intervals as bands. The axis is logarithmic; weight 0 stands at its
 * left end, behind a break.
 *
 * @param rows Rows with their weights, such as those of {@linkcode weightRows}, in any order.
 * @param options Attacks, radius, heading and size.
 * @returns A Vega-Lite specification with its data inside.
 * @throws {UsageError} If there is no row, no row has one of the attacks, or they have no radius in common.
 * @throws {DataError} If a weight is negative or not finite, or two rows stand for the same thing.
 */
export function weightSweep(rows: readonly WeightRow[], options: WeightSweepOptions = {}): TopLevelSpec {
  const { weight: axisTitle = "Weight of the alignment", interval = "Wilson interval", title } = options;
  const { width = COLUMN_WIDTH, height = 220 } = options;
  if (rows.length === 0) throw new UsageError("Cannot draw a sweep over a weight without a row: sweep over one first");
  const wrong = rows.find(({ weight }) => !(weight >= 0 && weight < Infinity));
  if (wrong !== undefined) {
    throw new DataError(`Cannot draw "${wrong.method}" at weight ${wrong.weight}: give a number of at least 0`);
  }
  const attacks = options.attacks ?? wholeAttacks(rows).filter((attack) => attack !== "worst");
  attacks.forEach((attack) => requireAttack(rows, attack));
  const eps = options.eps === undefined ? commonRadii(rows.map(accuracyOf), attacks).at(-1) : in255(options.eps);
  if (attacks.length > 0 && eps === undefined) {
    throw new UsageError(`Cannot draw ${attacks.join(", ")} in one figure as they have no radius in common: draw one`);
  }

  const styles = methodStyles(rows.map(({ method }) => method));
  const methods = [...styles.keys()];
  const labels = methods.map(labelOf);
  const kinds = ["clean", ...attacks];
  const weights = [...new Set(rows.map(({ weight }) => weight))].sort((a, b) => a - b);
  const positive = weights.filter((weight) => weight > 0);
  const [least, most] = [positive[0] ?? 1, positive.at(-1) ?? 1];
  // The place of 0: as far from the least weight as its neighbours are from each other in the mean, but not too near.
  const step = Math.max(2, (most / least) ** (1 / Math.max(1, positive.length - 1)));
  const round = (value: number): number => Number(value.toPrecision(6));
  const zero = round(least / step);
  const hasZero = weights[0] === 0;
  const left = hasZero ? zero : least;
  const right = most > left ? most : 2 * left;

  const points = methods.flatMap((method) =>
    kinds.flatMap((attack) => {
      const own = rows.filter((row) => row.method === method && row.attack === attack)
        .map((row) => ({ weight: row.weight, accuracy: accuracyOf(row) }))
        .filter(({ accuracy }) => attack === "clean" || accuracy.eps === eps)
        .sort((a, b) => a.weight - b.weight);
      own.forEach(({ weight }, i) => {
        if (weight !== own[i - 1]?.weight) return;
        throw new DataError(
          `Cannot draw "${method}" under "${attack}" as weight ${weight} is there twice: keep one row of each`,
        );
      });
      return own.map(({ weight, accuracy: { accuracy, low, high, n } }) => ({
        method: labelOf(method),
        attack: labelOf(attack),
        series: `${labelOf(method)}, ${labelOf(attack)}`,
        weight,
        x: weight === 0 ? zero : weight,
        accuracy,
        low,
        high,
        n,
      }));
    })
  );
  const series = [...Map.groupBy(points, (point) => point.series).values()];
  const color = {
    field: "method",
    type: "nominal" as const,
    scale: { domain: labels, range: [...styles.values()].map((style) => style.color) },
    legend: labels.length === 1
      ? null
      : { orient: "top" as const, direction: "horizontal" as const, columns: legendColumns(labels, width - 40) },
  };
  const shape = {
    field: "attack",
    type: "nominal" as const,
    scale: { domain: kinds.map(labelOf), range: kinds.map((_, i) => SHAPES[i % SHAPES.length]!) },
    legend: null,
  };
  const x = {
    field: "x",
    type: "quantitative" as const,
    scale: { type: "log" as const, domain: [left, right], nice: false },
    axis: {
      title: labels.length === 1 ? `${axisTitle} (${labels[0]})` : axisTitle,
      values: hasZero ? [zero, ...positive] : positive,
      labelExpr: hasZero ? `datum.value < ${least} ? "0" : format(datum.value, "~g")` : 'format(datum.value, "~g")',
      grid: false,
      labelFlush: false,
    },
  };
  const y = (field: string) => percentAxis(field, "Accuracy (%)");
  const detail = { field: "series", type: "nominal" as const };

  // Names at the lines' ends, pushed apart where they would overlap, each tied to its line by a short leader.
  const ends = series.map((own) => own.at(-1)!);
  const plotHeight = height - (title === undefined ? 50 : 70) - (labels.length === 1 ? 0 : 16);
  const heights = spreadLabels(ends.map((end) => end.accuracy), 100 * (FONT_SIZE.label + 2) / plotHeight, 0, 100);
  const at = round(right * (right / left) ** 0.07);
  const names = ends.map(({ method, attack, series }, i) => ({ method, attack, series, x: at, accuracy: heights[i]! }));
  const leaders = ends.flatMap(({ method, series, x, accuracy }, i) => [
    { method, series, x, accuracy },
    { method, series, x: at, accuracy: names[i]!.accuracy },
  ]);
  const within = points.filter(({ weight }) => weight > 0);
  const links = series.flatMap((own) => own[0]!.weight === 0 ? own.slice(0, 2) : []);
  const shown = attacks.length === 0 ? "" : ` and under ${attacks.map(labelOf).join(", ")} at ${epsText(eps!)}`;

  return {
    ...frame({
      description:
        `Accuracy in percent without attack${shown} against the weight of a term for ${labels.join(", ")}; ` +
        `bands are 95 % intervals (${interval}).`,
      width,
      height,
      title,
      padding: { top: 6, right: 4 },
    }),
    data: { name: "points", values: points },
    layer: [
      ...(links.length === 0 ? [] : breakLayers(round(Math.sqrt(zero * least)), x, y("accuracy"))),
      ...(within.length === 0 ? [] : [
        {
          data: { name: "within", values: within },
          mark: { type: "area" as const, opacity: 0.14 },
          encoding: { x, y: y("low"), y2: { field: "high" }, color, detail },
        },
        {
          data: { name: "lines", values: within },
          mark: { type: "line" as const, strokeWidth: 1.5 },
          encoding: { x, y: y("accuracy"), color, detail },
        },
      ]),
      ...(links.length === 0 ? [] : [
        {
          data: { name: "links", values: links },
          mark: { type: "line" as const, strokeWidth: 1, strokeDash: [2, 2] },
          encoding: { x, y: y("accuracy"), color, detail },
        },
        {
          // What the band is between weights, a whisker is at 0.
          data: { name: "whiskers", values: links.filter(({ weight }) => weight === 0) },
          mark: { type: "rule" as const, strokeWidth: 1, opacity: 0.6 },
          encoding: { x, y: y("low"), y2: { field: "high" }, color, detail },
        },
      ]),
      {
        data: { name: "leaders", values: leaders },
        mark: { type: "line", strokeWidth: 0.7, opacity: 0.6 },
        encoding: { x, y: y("accuracy"), color, detail },
      },
      {
        mark: { type: "point", filled: true, opacity: 1, size: 28 },
        encoding: { x, y: y("accuracy"), color, shape },
      },
      {
        data: { name: "keys", values: names },
        mark: { type: "point", filled: true, opacity: 1, size: 28 },
        encoding: { x, y: y("accuracy"), color, shape },
      },
      {
        data: { name: "names", values: names },
        mark: { type: "text", align: "left", baseline: "middle", dx: 6 },
        encoding: { x, y: y("accuracy"), text: { field: "attack", type: "nominal" } },
      },
    ],
  };
}

/** Two slanted strokes through the axis, on white. */
function breakLayers<X extends object, Y extends object>(at: number, x: X, y: Y) {
  const data = { name: "break", values: [{ x: at, accuracy: 0, mark: "//" }] };
  const mark = { type: "text" as const, baseline: "middle" as const, align: "center" as const, fontSize: 10 };
  const encoding = { x, y, text: { field: "mark", type: "nominal" as const } };
  return [
    { data, mark: { ...mark, stroke: "#ffffff", strokeWidth: 4 }, encoding },
    { data, mark, encoding },
  ];
}
