import { type ClassRow, DataError, UsageError } from "../core/mod.ts";
import { accuracyOf, epsText, in255, requireAttack } from "./_accuracy.ts";
import { frame } from "./_frame.ts";
import { methodEncodings } from "./_method_encodings.ts";
import type { TopLevelSpec } from "./render.ts";
import { COLUMN_WIDTH, labelOf } from "./theme.ts";

/** Options of {@linkcode classRobustness}. */
export interface ClassRobustnessOptions {
  /** Attack. @default {"pgd-20"} */
  readonly attack?: string;
  /** Its radius in pixel units as text. @default {the largest one of its rows} */
  readonly eps?: string;
  /** Names of the classes. @default {their numbers} */
  readonly classes?: readonly string[];
  /** Most classes: of more, those of lowest accuracy under the attack are drawn, in the mean of the methods. @default {20} */
  readonly most?: number;
  /** Heading above the figure; none where omitted. */
  readonly title?: string;
  /** Width of the whole figure in pixels of 1/96 inch. @default {321} */
  readonly width?: number;
}

/** Pixels of a method within a class, and around a class. */
const LANE = 7;
const GAP = 6;

/**
 * Draws accuracy (percent) class by class, under an attack at one radius as filled points and without one as hollow
 * ones, a lane per method, with the 95 % Wilson intervals as bars. A rate over all images can hide a class that does not hold at
 * all. Classes stand in the order of their numbers.
 *
 * @param rows Rows of `summarizeClasses`, in any order.
 * @param options Attack, radius, names of the classes, heading and size.
 * @returns A Vega-Lite specification with its data inside.
 * @throws {UsageError} If no row has the attack, or none has it at the radius.
 * @throws {DataError} If two rows stand for the same thing.
 */
export function classRobustness(rows: readonly ClassRow[], options: ClassRobustnessOptions = {}): TopLevelSpec {
  const { attack = "pgd-20", classes = [], most = 20, title, width = COLUMN_WIDTH } = options;
  requireAttack(rows, attack);
  const radii = [...new Set(rows.filter((row) => row.attack === attack).map((row) => in255(row.eps)))]
    .sort((a, b) => a - b);
  const eps = options.eps === undefined ? radii.at(-1)! : in255(options.eps);
  if (!radii.includes(eps)) {
    throw new UsageError(
      `Cannot draw attack "${attack}" at eps ${epsText(eps)} as no row has it: choose one of ` +
        radii.map(epsText).join(", "),
    );
  }
  const attacked = rows.filter((row) => row.attack === attack && in255(row.eps) === eps);
  const { labels, color, shape } = methodEncodings(attacked, width);
  const rateOf = (label: number): number => {
    const own = attacked.filter((row) => row.label === label);
    return own.reduce((sum, { rate }) => sum + rate, 0) / own.length;
  };
  const numbers = [...new Set(attacked.map(({ label }) => label))].sort((a, b) => a - b);
  const shown = numbers.toSorted((a, b) => rateOf(a) - rateOf(b) || a - b).slice(0, most).sort((a, b) => a - b);
  const nameOf = (label: number): string => classes[label] ?? `${label}`;
  const seen = new Set<string>();
  const points = (kind: readonly ClassRow[]) =>
    kind.filter(({ method, label }) => shown.includes(label) && labels.includes(labelOf(method))).map((row) => {
      const { method, label } = row;
      const key = JSON.stringify([method, row.attack, label]);
      if (seen.has(key)) {
        throw new DataError(`Cannot draw class ${label} of "${method}" as it is there twice: keep one row of each`);
      }
      seen.add(key);
      const { accuracy, low, high, n } = accuracyOf(row);
      return { method: labelOf(method), label, class: nameOf(label), accuracy, low, high, n };
    }).sort((a, b) => a.label - b.label || labels.indexOf(a.method) - labels.indexOf(b.method));
  const filled = points(attacked);
  const hollow = points(rows.filter((row) => row.attack === "clean"));

  const y = {
    field: "class",
    type: "nominal" as const,
    sort: null,
    scale: { domain: shown.map(nameOf), paddingInner: GAP / (GAP + LANE * labels.length), paddingOuter: 0.2 },
    axis: { title: null, ticks: false, domain: false, labelPadding: 4, grid: true, tickBand: "extent" as const },
  };
  const yOffset = {
    field: "method",
    type: "nominal" as const,
    sort: null,
    scale: { domain: labels, paddingOuter: 0.5 },
  };
  const x = (field: string) => ({
    field,
    type: "quantitative" as const,
    scale: { domain: [0, 100], nice: false },
    axis: {
      title: `Accuracy (%): ${hollow.length === 0 ? "" : "hollow clean, "}filled ${labelOf(attack)} ${epsText(eps)}`,
      values: [0, 20, 40, 60, 80, 100],
      labelFlush: false,
    },
  });
  const layersOf = (name: string, values: typeof filled, isFilled: boolean) =>
    values.length === 0 ? [] : [
      {
        data: { name, values },
        mark: { type: "rule" as const, strokeWidth: isFilled ? 1.2 : 0.8, opacity: isFilled ? 0.7 : 0.45 },
        encoding: { x: x("low"), x2: { field: "high" }, y, yOffset, color },
      },
      {
        data: { name, values },
        mark: {
          type: "point" as const,
          filled: isFilled,
          opacity: 1,
          size: isFilled ? 24 : 18,
          strokeWidth: 1,
          ...(isFilled ? {} : { fill: "#ffffff" }),
        },
        encoding: { x: x("accuracy"), y, yOffset, color, shape },
      },
    ];
  return {
    ...frame({
      description:
        `Accuracy in percent class by class under ${labelOf(attack)} at radius ${epsText(eps)} (filled) and without ` +
        `attack (hollow) for ${labels.join(", ")}; bars are 95 % Wilson intervals.` +
        (shown.length < numbers.length ? ` The ${shown.length} of ${numbers.length} classes that hold least.` : ""),
      width,
      height: shown.length * (GAP + LANE * labels.length) + 46 + 13 * Math.ceil(labels.length / color.legend.columns) +
        (title === undefined ? 0 : 20),
      title,
    }),
    layer: [...layersOf("clean", hollow, false), ...layersOf("attacked", filled, true)],
  };
}
