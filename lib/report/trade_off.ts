import { frame } from "./_frame.ts";
import type { EvaluationRow } from "../core/mod.ts";
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
  /** What the bars are. @default {"Wilson interval"} */
  readonly interval?: string;
  /** Heading above the figure; none where omitted. */
  readonly title?: string;
  /** Width of the whole figure in pixels of 1/96 inch. @default {321} */
  readonly width?: number;
  /** Height of the whole figure in pixels of 1/96 inch. @default {260} */
  readonly height?: number;
}

/**
 * Draws accuracy under an attack at one radius against accuracy without one, both in percent, a point per method with its
 * 95 % intervals as bars. Methods without a row of the attack at the radius are left out.
 *
 * @param rows Rows of `evaluation.csv`, in any order.
 * @param options Attack, radius, heading and size.
 * @returns A Vega-Lite specification with its data inside.
 * @throws {UsageError} If no row has the attack.
 * @throws {DataError} If a method has no "clean" row, or two rows stand for the same thing.
 */
export function tradeOff(rows: readonly EvaluationRow[], options: TradeOffOptions = {}): TopLevelSpec {
  const { attack = "pgd-20", interval = "Wilson interval", title, width = COLUMN_WIDTH, height = 260 } = options;
  requireAttack(rows, attack);
  const accuracies = accuraciesOf(rows);
  const attacked = accuracies.filter((row) => row.attack === attack);
  const eps = options.eps === undefined ? Math.max(...attacked.map((row) => row.eps)) : in255(options.eps);
  const shown = attacked.filter((row) => row.eps === eps);
  const { labels, color, shape } = methodEncodings(shown, width);
  const points = shown.map((row) => {
    const clean = cleanOf(accuracies, row.method);
    return {
      method: labelOf(row.method),
      clean: clean.accuracy,
      cleanLow: clean.low,
      cleanHigh: clean.high,
      robust: row.accuracy,
      low: row.low,
      high: row.high,
    };
  }).sort((a, b) => labels.indexOf(a.method) - labels.indexOf(b.method));
  const axis = (field: string, title: string) => ({
    field,
    type: "quantitative" as const,
    scale: { domain: [0, 100], nice: false },
    axis: { title, values: [0, 20, 40, 60, 80, 100] },
  });
  const x = (field: string) => axis(field, "Accuracy without attack (%)");
  const y = (field: string) => axis(field, `Accuracy under ${labelOf(attack)} at ${epsText(eps)} (%)`);
  const bar = { type: "rule" as const, strokeWidth: 1, opacity: 0.6 };
  return {
    ...frame({
      description:
        `Accuracy in percent under ${labelOf(attack)} at radius ${epsText(eps)} against accuracy without attack for ` +
        `${labels.join(", ")}; bars are 95 % intervals (${interval}).`,
      width,
      height,
      title,
    }),
    data: { name: "points", values: points },
    layer: [
      { mark: bar, encoding: { x: x("cleanLow"), x2: { field: "cleanHigh" }, y: y("robust"), color } },
      { mark: bar, encoding: { x: x("clean"), y: y("low"), y2: { field: "high" }, color } },
      {
        mark: { type: "point", filled: true, opacity: 1, size: 36 },
        encoding: { x: x("clean"), y: y("robust"), color, shape },
      },
    ],
  };
}
