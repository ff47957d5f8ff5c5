import { frame } from "./_frame.ts";
import { type EvaluationRow, UsageError } from "../core/mod.ts";
import { accuraciesOf, cleanOf, epsText, in255, requireAttack } from "./_accuracy.ts";
import { methodEncodings } from "./_method_encodings.ts";
import type { TopLevelSpec } from "./render.ts";
import { COLUMN_WIDTH, labelOf } from "./theme.ts";

/** Options of {@linkcode tradeOff}. */
export interface TradeOffOptions {
  /** Attack of the upright axis. @default {"pgd-20"} */
  readonly attack?: string;
  /** Its radius in pixel units as text. @default {the largest one of its rows} */
  readonly eps?: string;
  /** Where arrows to students begin; `null` for none. @default {"teacher", where it is among the points} */
  readonly teacher?: string | null;
  /** Where they end. @default {all others that the teacher may have taught: not "natural", "pgd-at", "trades", "mart"} */
  readonly students?: readonly string[];
  /** What the bars are. @default {"Wilson interval"} */
  readonly interval?: string;
  /** Heading above the figure; none where omitted. */
  readonly title?: string;
  /** Width of the whole figure in pixels of 1/96 inch. @default {321} */
  readonly width?: number;
  /** Height of the whole figure in pixels of 1/96 inch. @default {260, and 13 for each further line of the legend} */
  readonly height?: number;
}

/** Methods that no teacher has a part in. */
const TAUGHT_BY_NONE = ["natural", "pgd-at", "trades", "mart"];

/** Pixels from the middle of a student's point to the middle of its arrow's head. */
const HEAD_DISTANCE = 8;

/**
 * Draws accuracy under an attack at one radius against accuracy without one, both in percent, a point per method with its
 * 95 % intervals as bars, and arrows from the teacher to its students. Axes hold what the points need, in whole tens.
 * Methods without a row of the attack at the radius are left out, and an arrow too short for its head.
 *
 * @param rows Rows of `evaluation.csv`, in any order.
 * @param options Attack, radius, heading and size.
 * @returns A Vega-Lite specification with its data inside.
 * @throws {UsageError} If no row has the attack, or none has it at the radius.
 * @throws {DataError} If a method has no "clean" row, or two rows stand for the same thing.
 */
export function tradeOff(rows: readonly EvaluationRow[], options: TradeOffOptions = {}): TopLevelSpec {
  const { attack = "pgd-20", interval = "Wilson interval", title, width = COLUMN_WIDTH } = options;
  requireAttack(rows, attack);
  const accuracies = accuraciesOf(rows);
  const attacked = accuracies.filter((row) => row.attack === attack);
  const eps = options.eps === undefined ? Math.max(...attacked.map((row) => row.eps)) : in255(options.eps);
  const shown = attacked.filter((row) => row.eps === eps);
  if (shown.length === 0) {
    throw new UsageError(
      `Cannot draw attack "${attack}" at eps ${epsText(eps)} as no row has it: choose one of ` +
        [...new Set(attacked.map((row) => row.eps))].sort((a, b) => a - b).map(epsText).join(", "),
    );
  }
  const { labels, color, shape } = methodEncodings(shown, width);
  const points = shown.map((row) => {
    const clean = cleanOf(accuracies, row.method);
    return {
      name: row.method,
      method: labelOf(row.method),
      clean: clean.accuracy,
      cleanLow: clean.low,
      cleanHigh: clean.high,
      robust: row.accuracy,
      low: row.low,
      high: row.high,
    };
  }).sort((a, b) => labels.indexOf(a.method) - labels.indexOf(b.method));
  const across = tens(points.flatMap(({ cleanLow, cleanHigh }) => [cleanLow, cleanHigh]));
  const up = tens(points.flatMap(({ low, high }) => [low, high]));
  const axis = (field: string, title: string, domain: readonly [number, number]) => ({
    field,
    type: "quantitative" as const,
    scale: { domain: [...domain], nice: false, zero: false },
    axis: { title, tickCount: 5, tickMinStep: 5, labelFlush: false },
  });
  const x = (field: string) => axis(field, "Accuracy without attack (%)", across);
  const y = (field: string) => axis(field, `Accuracy under ${labelOf(attack)} at ${epsText(eps)} (%)`, up);
  const bar = { type: "rule" as const, strokeWidth: 1, opacity: 0.6 };

  const { teacher = "teacher" } = options;
  const from = points.find(({ name }) => name === teacher);
  const isStudent = (name: string): boolean =>
    options.students?.includes(name) ?? !TAUGHT_BY_NONE.includes(name.replace(/\.best$/, ""));
  // What axes and legend leave of the figure, to a few pixels: the heads' angles depend on it, and hardly on a few.
  const rowsAbove = Math.ceil(labels.length / color.legend.columns);
  const { height = 247 + 13 * rowsAbove } = options;
  const plot = { width: width - 52, height: height - 44 - 13 * rowsAbove - (title === undefined ? 0 : 20) };
  const scale = { x: plot.width / (across[1] - across[0]), y: plot.height / (up[1] - up[0]) };
  const arrows = from === undefined ? [] : points.flatMap((to) => {
    const [dx, dy] = [scale.x * (to.clean - from.clean), scale.y * (to.robust - from.robust)];
    const length = Math.hypot(dx, dy);
    if (to === from || !isStudent(to.name) || length < 2 * HEAD_DISTANCE) return [];
    const short = (value: number): number => Number(value.toFixed(4));
    const share = 1 - HEAD_DISTANCE / length;
    return [{
      method: to.method,
      teacherClean: from.clean,
      teacherRobust: from.robust,
      headClean: short(from.clean + share * (to.clean - from.clean)),
      headRobust: short(from.robust + share * (to.robust - from.robust)),
      // Clockwise from upright, as Vega turns a triangle that points up.
      angle: short(Math.atan2(dx, dy) * 180 / Math.PI),
    }];
  });
  const arrowData = { name: "arrows", values: arrows };
  return {
    ...frame({
      description:
        `Accuracy in percent under ${labelOf(attack)} at radius ${epsText(eps)} against accuracy without attack for ` +
        `${labels.join(", ")}; bars are 95 % intervals (${interval}).` +
        (arrows.length === 0 ? "" : ` Arrows lead from ${from!.method} to its students.`),
      width,
      height,
      title,
    }),
    data: { name: "points", values: points.map(({ name: _, ...point }) => point) },
    layer: [
      ...(arrows.length === 0 ? [] : [
        {
          data: arrowData,
          mark: { type: "rule" as const, strokeWidth: 1, opacity: 0.55 },
          encoding: {
            x: x("teacherClean"),
            x2: { field: "headClean" },
            y: y("teacherRobust"),
            y2: { field: "headRobust" },
            color,
          },
        },
        {
          data: arrowData,
          mark: { type: "point" as const, shape: "triangle", filled: true, opacity: 0.8, size: 22 },
          encoding: {
            x: x("headClean"),
            y: y("headRobust"),
            angle: { field: "angle", type: "quantitative" as const, scale: null },
            color,
          },
        },
      ]),
      { mark: bar, encoding: { x: x("cleanLow"), x2: { field: "cleanHigh" }, y: y("robust"), color } },
      { mark: bar, encoding: { x: x("clean"), y: y("low"), y2: { field: "high" }, color } },
      {
        mark: { type: "point", filled: true, opacity: 1, size: 36 },
        encoding: { x: x("clean"), y: y("robust"), color, shape },
      },
    ],
  };
}

/** Whole tens around all values, at least twenty apart. */
function tens(values: readonly number[]): readonly [number, number] {
  const low = Math.min(80, 10 * Math.floor(Math.min(...values) / 10));
  return [low, Math.max(low + 20, 10 * Math.ceil(Math.max(...values) / 10))];
}
