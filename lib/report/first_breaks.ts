import type { EvidenceRow } from "../core/mod.ts";
import { attacksOf, wholeAttacks } from "./_accuracy.ts";
import { attacksIn, commonOutcomes } from "./_evidence.ts";
import { frame } from "./_frame.ts";
import { legendColumns } from "./_labels.ts";
import type { TopLevelSpec } from "./render.ts";
import { COLUMN_WIDTH, compareText, labelOf, methodOrder } from "./theme.ts";

/** Options of {@linkcode firstBreaks}. */
export interface FirstBreaksOptions {
  /**
   * Attacks in the order in which they are asked.
   * @default {the stages of an ensemble as they ran, where there is one; else all attacks, the simplest first}
   */
  readonly attacks?: readonly string[];
  /** Their radius in pixel units as text. @default {the largest one that all of them have} */
  readonly eps?: string;
  /** Heading above the figure; none where omitted. */
  readonly title?: string;
  /** Width of the whole figure in pixels of 1/96 inch. @default {321} */
  readonly width?: number;
  /** Height of a bar with the space below it in pixels of 1/96 inch. @default {22} */
  readonly height?: number;
}

const WRONG = "Wrong unattacked";
const STANDS = "Stands";

/** Colours of attacks in turn, from dark to light, which is told apart without colours too (after cividis). */
const COLORS = ["#00224e", "#35456c", "#666970", "#948e77", "#c8b866", "#fee838"];

/**
 * Draws to which attack each image fell first, a bar per network: the images that are misclassified as they are, those
 * that fell to the first attack, those of the others that fell to the second, and so on, and those that stand.
 *
 * @param rows Rows of `evidence.csv`, in any order.
 * @param options Attacks, radius, heading and size.
 * @returns A Vega-Lite specification with its data inside.
 * @throws {UsageError} If no row has one of the attacks, or no image was attacked by all at the radius.
 * @throws {DataError} If two rows stand for the same thing.
 */
export function firstBreaks(rows: readonly EvidenceRow[], options: FirstBreaksOptions = {}): TopLevelSpec {
  const { title, width = COLUMN_WIDTH } = options;
  const attacks = attacksIn(rows, options.attacks, stagesOrAll(rows));
  const { eps, outcomes } = commonOutcomes(rows, attacks, options.eps, "draw");
  const methods = methodOrder(outcomes.map(({ method }) => method));
  // All stages of one ensemble: its name stands in the axis alone.
  const [ensemble] = attacks[0]!.split(".");
  const isEnsemble = attacks.every((attack) => attack.startsWith(`${ensemble}.`));
  const nameOf = (attack: string): string => labelOf(isEnsemble ? attack.slice(ensemble!.length + 1) : attack);
  const labels = [WRONG, ...attacks.map(nameOf), STANDS];
  const values = methods.flatMap((method) => {
    const { images, correct, isBroken } = outcomes.find((own) => own.method === method)!;
    const firsts = Map.groupBy(correct, (image) => attacks.find((attack) => isBroken(attack, image)));
    const counts = [
      images.length - correct.length,
      ...attacks.map((attack) => firsts.get(attack)?.length ?? 0),
      firsts.get(undefined)?.length ?? 0,
    ];
    let below = 0;
    return counts.map((count, i) => {
      const from = below;
      below += count;
      const percent = (images: number, of: number): number => Math.round(1e6 * images / of) / 1e4;
      return {
        method: labelOf(method),
        to: labels[i]!,
        count,
        low: percent(from, images.length),
        high: percent(below, images.length),
      };
    });
  });
  const colors = attacks.map((_, i) =>
    COLORS[attacks.length === 1 ? 0 : Math.round(i * (COLORS.length - 1) / (attacks.length - 1)) % COLORS.length]!
  );
  const columns = legendColumns(labels, width - 20);
  const { height = 22 } = options;
  const y = {
    field: "method",
    type: "nominal" as const,
    sort: null,
    scale: { domain: methods.map(labelOf), paddingInner: 0.3, paddingOuter: 0.15 },
    axis: { title: null, ticks: false, labelPadding: 5 },
  };
  return {
    ...frame({
      description: `Share of the images by the attack that they fell to first at ${eps}, in the order ` +
        `${attacks.map(labelOf).join(", ")}, for ${methods.map(labelOf).join(", ")}.`,
      width,
      height: height * methods.length + 44 + 13 * Math.ceil(labels.length / columns) + (title === undefined ? 0 : 20),
      title,
    }),
    data: { name: "parts", values },
    layer: [
      {
        mark: { type: "bar", stroke: "#222222", strokeWidth: 0.4 },
        encoding: {
          x: {
            field: "low",
            type: "quantitative",
            scale: { domain: [0, 100], nice: false },
            axis: {
              title: `Images (%)${isEnsemble ? `, stages of ${labelOf(ensemble!)}` : ""} at ε = ${eps}`,
              values: [0, 20, 40, 60, 80, 100],
              grid: false,
              labelFlush: false,
            },
          },
          x2: { field: "high" },
          y,
          color: {
            field: "to",
            type: "nominal",
            scale: { domain: labels, range: ["#bdbdbd", ...colors, "#ffffff"] },
            legend: {
              orient: "top",
              direction: "horizontal",
              columns,
              symbolType: "square",
              symbolStrokeColor: "#222222",
              symbolStrokeWidth: 0.4,
              // Wider than the plot, beside the names of the networks.
              offset: 8,
            },
          },
        },
      },
    ],
  };
}

/** The stages of the first ensemble, else all attacks. */
function stagesOrAll(rows: readonly EvidenceRow[]): readonly string[] {
  const present = attacksOf(rows);
  const ensemble = present.find((whole) => present.some((attack) => attack.startsWith(`${whole}.`)));
  if (ensemble === undefined) return wholeAttacks(rows).filter((attack) => attack !== "worst");
  return inTurn(rows, present.filter((attack) => attack.startsWith(`${ensemble}.`)));
}

/** Stages in the order in which they ran: each has the lowest margins so far, so that their sum falls. */
function inTurn(rows: readonly EvidenceRow[], stages: readonly string[]): readonly string[] {
  const keyOf = ({ method, eps, image }: EvidenceRow): string => `${method} ${eps} ${image}`;
  const own = rows.filter(({ attack }) => stages.includes(attack));
  const whole = new Set(
    [...Map.groupBy(own, keyOf)].filter(([, group]) => group.length === stages.length).map(([key]) => key),
  );
  const sums = new Map(stages.map((stage) => [stage, 0]));
  // In a fixed order, so that sums do not depend on that of the rows.
  for (const row of own.toSorted((a, b) => compareText(keyOf(a), keyOf(b)))) {
    if (whole.has(keyOf(row))) sums.set(row.attack, sums.get(row.attack)! + row.margin);
  }
  return stages.toSorted((a, b) => sums.get(b)! - sums.get(a)!);
}
