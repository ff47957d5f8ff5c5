import { frame } from "./_frame.ts";
import type { EvaluationRow } from "../core/mod.ts";
import { accuraciesOf, cleanOf, in255, requireAttack } from "./_accuracy.ts";
import { spreadLabels } from "./_labels.ts";
import type { ReferenceCard } from "./reference_card.ts";
import { percentAxis } from "./_percent_axis.ts";
import type { TopLevelSpec } from "./render.ts";
import { COLUMN_WIDTH, FONT_SIZE, labelOf, methodStyles } from "./theme.ts";

/** Options of {@linkcode robustnessCurve}. */
export interface RobustnessCurveOptions {
  /**
   * Attack whose rows make the curve.
   * @default {"pgd-20"}
   */
  readonly attack?: string;
  /**
   * Published networks, each as a dotted line from its accuracy without attack to that under AutoAttack at its radius.
   * @default {none}
   */
  readonly references?: readonly ReferenceCard[];
  /** What the bands are. @default {"Wilson interval"} */
  readonly interval?: string;
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
 * Draws accuracy (percent) against the radius of an attack (units of 1/255), one line per method, with the 95 % Wilson
 * interval of every point as a band. The point at radius 0 is the accuracy without attack. Methods that have no row of
 * the attack are left out; names stand at the end of their lines.
 *
 * @param rows Rows of `evaluation.csv`, in any order.
 * @param options Attack, heading and size.
 * @returns A Vega-Lite specification with its data inside.
 * @throws {UsageError} If no row has the attack.
 * @throws {DataError} If a method has no "clean" row, or two rows stand for the same thing.
 */
export function robustnessCurve(rows: readonly EvaluationRow[], options: RobustnessCurveOptions = {}): TopLevelSpec {
  const { attack = "pgd-20", references = [], interval, title, width = COLUMN_WIDTH, height = 220 } = options;
  const intervals = interval === undefined ? "95 % Wilson intervals" : `95 % intervals (${interval})`;
  requireAttack(rows, attack);
  const accuracies = accuraciesOf(rows);
  const attacked = accuracies.filter((row) => row.attack === attack && row.eps > 0);
  const styles = methodStyles(attacked.map((row) => row.method));
  const methods = [...styles.keys()];
  const points = methods.flatMap((method) =>
    [cleanOf(accuracies, method), ...attacked.filter((row) => row.method === method)]
      .sort((a, b) => a.eps - b.eps)
      .map(({ eps, accuracy, low, high, n }) => ({ method: labelOf(method), eps, accuracy, low, high, n }))
  );
  // What cards claim is drawn apart from what was measured: other images, and a stronger attack than most of ours.
  const claimed = references.flatMap(({ name, clean, robust, eps }) => [
    { card: name, eps: 0, accuracy: clean },
    { card: name, eps: in255(eps), accuracy: robust },
  ]);
  const radii = [...new Set([...points, ...claimed].map((point) => point.eps))].sort((a, b) => a - b);
  const largest = radii.at(-1)!;
  const color = {
    field: "method",
    type: "nominal" as const,
    scale: { domain: methods.map(labelOf), range: [...styles.values()].map((style) => style.color) },
    legend: null,
  };
  const shape = {
    field: "method",
    type: "nominal" as const,
    scale: { domain: methods.map(labelOf), range: [...styles.values()].map((style) => style.shape) },
    legend: null,
  };
  const x = {
    field: "eps",
    type: "quantitative" as const,
    scale: { domain: [0, largest], nice: false },
    axis: { title: `${labelOf(attack)} radius ε (units of 1/255)`, values: radii, grid: false, labelFlush: false },
  };
  const y = (field: string) => percentAxis(field, "Accuracy (%)");

  // Names at the line ends, pushed apart where they would overlap, each tied to its line by a short leader.
  const ends = methods.map((method) => points.findLast((point) => point.method === labelOf(method))!);
  const plotHeight = height - (title === undefined ? 50 : 70);
  const heights = spreadLabels(ends.map((end) => end.accuracy), 100 * (FONT_SIZE.label + 2) / plotHeight, 0, 100);
  const labelEps = Math.round(largest * 1.07 * 1e4) / 1e4;
  const names = ends.map((end, i) => ({ method: end.method, eps: labelEps, accuracy: heights[i]! }));
  const leaders = ends.flatMap((end, i) => [{ method: end.method, eps: end.eps, accuracy: end.accuracy }, names[i]!]);

  return {
    ...frame({
      description: `Accuracy in percent against the radius of ${labelOf(attack)} for ` +
        `${methods.map(labelOf).join(", ")}; bands are ${intervals}.` +
        references.map(({ name }) => ` Dotted: ${name} under AutoAttack, as its card claims.`).join(""),
      width,
      height,
      title,
      padding: { top: 6, right: 4 },
    }),
    data: { name: "points", values: points },
    layer: [
      {
        mark: { type: "area", opacity: 0.16 },
        encoding: { x, y: y("low"), y2: { field: "high" }, color },
      },
      {
        mark: { type: "line", strokeWidth: 0.7, opacity: 0.6 },
        data: { name: "leaders", values: leaders },
        encoding: { x, y: y("accuracy"), color },
      },
      {
        mark: { type: "line", strokeWidth: 1.5 },
        encoding: { x, y: y("accuracy"), color },
      },
      {
        mark: { type: "point", filled: true, opacity: 1, size: 28 },
        encoding: { x, y: y("accuracy"), color, shape },
      },
      {
        mark: { type: "point", filled: true, opacity: 1, size: 28 },
        data: { name: "keys", values: names },
        encoding: { x, y: y("accuracy"), color, shape },
      },
      {
        mark: { type: "text", align: "left", baseline: "middle", dx: 6 },
        data: { name: "names", values: names },
        encoding: { x, y: y("accuracy"), text: { field: "method", type: "nominal" } },
      },
      ...(claimed.length === 0 ? [] : cardLayers(claimed, x, y("accuracy"))),
    ],
  };
}

/** Dotted grey lines with open ends, the name above the middle of each. */
function cardLayers(
  claimed: readonly { readonly card: string; readonly eps: number; readonly accuracy: number }[],
  x: object,
  y: object,
): LayerSpec[] {
  const detail = { field: "card", type: "nominal" };
  const names = claimed.flatMap((from, i) => {
    const to = claimed[i + 1];
    if (i % 2 === 1 || to === undefined) return [];
    return [{
      card: from.card,
      eps: (from.eps + to.eps) / 2,
      accuracy: Math.round((from.accuracy + to.accuracy) * 5e3) / 1e4,
    }];
  });
  const text = { align: "left", baseline: "bottom", dx: 3, limit: 150, color: "#555555" };
  return [
    {
      mark: {
        type: "line",
        strokeDash: [2, 3],
        strokeWidth: 1,
        color: "#555555",
        point: { filled: false, color: "#555555", size: 24, strokeWidth: 1 },
      },
      data: { name: "cards", values: claimed },
      encoding: { x, y, detail },
    },
    {
      mark: { type: "text", ...text },
      data: { name: "card_names", values: names },
      encoding: { x, y, text: detail },
    },
  ] as unknown as LayerSpec[];
}

/** A layer of a specification. */
type LayerSpec = Extract<TopLevelSpec, { readonly layer: unknown }>["layer"][number];
