import { frame } from "./_frame.ts";
import { type EvaluationRow, UsageError } from "../core/mod.ts";
import { accuraciesOf, cleanOf, commonRadii, epsText, in255, requireAttack, usualAttacks } from "./_accuracy.ts";
import { legendColumns } from "./_labels.ts";
import { percentAxis } from "./_percent_axis.ts";
import type { TopLevelSpec } from "./render.ts";
import { COLUMN_WIDTH, labelOf, methodStyles } from "./theme.ts";

/** Options of {@linkcode robustnessBars}. */
export interface RobustnessBarsOptions {
  /**
   * Radius as text, "8/255"; another spelling of the same number is the same radius.
   * @default {the largest radius that all of the attacks have}
   */
  readonly eps?: string;
  /**
   * Attacks, in the order of the groups.
   * @default {["fgsm", "pgd-20"] as far as the rows have them, else all}
   */
  readonly attacks?: readonly string[];
  /** What the whiskers are. @default {"Wilson interval"} */
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
   * @default {200}
   */
  readonly height?: number;
}

/**
 * Draws accuracy (percent) as groups of bars, one group without attack and one per attack at a radius, one bar per
 * method, with the 95 % Wilson interval as a whisker. A method without the row of a group leaves its place empty.
 *
 * @param rows Rows of `evaluation.csv`, in any order.
 * @param options Radius, attacks, heading and size.
 * @returns A Vega-Lite specification with its data inside.
 * @throws {UsageError} If no row has one of the attacks, or none of them at the radius.
 * @throws {DataError} If a method has no "clean" row, or two rows stand for the same thing.
 */
export function robustnessBars(rows: readonly EvaluationRow[], options: RobustnessBarsOptions = {}): TopLevelSpec {
  const { attacks = usualAttacks(rows), interval, title, width = COLUMN_WIDTH, height = 200 } = options;
  const intervals = interval === undefined ? "95 % Wilson intervals" : `95 % intervals (${interval})`;
  if (attacks.length === 0) requireAttack(rows, "pgd-20");
  attacks.forEach((attack) => requireAttack(rows, attack));
  const accuracies = accuraciesOf(rows);
  const attacked = accuracies.filter((row) => attacks.includes(row.attack));
  const radii = commonRadii(attacked, attacks);
  const eps = options.eps === undefined
    ? radii.at(-1) ?? Math.max(...attacked.map((row) => row.eps))
    : in255(options.eps);
  for (const attack of attacks) {
    const its = [...new Set(attacked.filter((row) => row.attack === attack).map((row) => row.eps))];
    if (its.includes(eps)) continue;
    throw new UsageError(
      `Cannot draw attack "${attack}" at eps ${epsText(eps)} as no row has it: choose one of ` +
        its.sort((a, b) => a - b).map(epsText).join(", "),
    );
  }
  const shown = attacked.filter((row) => row.eps === eps);
  const styles = methodStyles(shown.map((row) => row.method));
  const methods = [...styles.keys()];
  const labels = methods.map(labelOf);
  const groups = ["clean", ...attacks].map(labelOf);
  const bars = ["clean", ...attacks].flatMap((attack) =>
    methods.flatMap((method) => {
      const row = attack === "clean"
        ? cleanOf(accuracies, method)
        : shown.find((row) => row.attack === attack && row.method === method);
      if (row === undefined) return [];
      const { accuracy, low, high, n } = row;
      return [{ attack: labelOf(attack), method: labelOf(method), accuracy, low, high, n }];
    })
  );
  const x = {
    field: "attack",
    type: "nominal" as const,
    sort: groups,
    scale: { domain: groups, paddingInner: 0.16, paddingOuter: 0.08 },
    axis: { title: `Attack (ε = ${epsText(eps)})`, labelAngle: 0, ticks: false, labelPadding: 4 },
  };
  const xOffset = {
    field: "method",
    type: "nominal" as const,
    sort: labels,
    scale: { domain: labels, paddingInner: 0.06 },
  };
  const y = (field: string) => percentAxis(field, "Accuracy (%)");

  return {
    ...frame({
      description:
        `Accuracy in percent without attack and under ${groups.slice(1).join(", ")} at radius ${epsText(eps)} ` +
        `for ${labels.join(", ")}; whiskers are ${intervals}.`,
      width,
      height,
      title,
      padding: { right: 6 },
    }),
    data: { name: "bars", values: bars },
    layer: [
      {
        mark: { type: "bar" },
        encoding: {
          x,
          xOffset,
          y: y("accuracy"),
          color: {
            field: "method",
            type: "nominal",
            scale: { domain: labels, range: [...styles.values()].map((style) => style.color) },
            legend: { orient: "top", direction: "horizontal", columns: legendColumns(labels, width - 40) },
          },
        },
      },
      {
        // A pale edge, so that the whisker shows on a dark bar.
        mark: { type: "rule", strokeWidth: 2.4, color: "#ffffff" },
        encoding: { x, xOffset, y: y("low"), y2: { field: "high" } },
      },
      {
        mark: { type: "rule", strokeWidth: 1, color: "#222222" },
        encoding: { x, xOffset, y: y("low"), y2: { field: "high" } },
      },
    ],
  };
}
