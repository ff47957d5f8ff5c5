import { type EvidenceRow, UsageError } from "../core/mod.ts";
import { wholeAttacks } from "./_accuracy.ts";
import { attacksIn, commonOutcomes } from "./_evidence.ts";
import type { TopLevelSpec } from "./render.ts";
import { COLUMN_WIDTH, estimateWidth, FONT_SIZE, labelOf, methodOrder, SCHEMA, THEME } from "./theme.ts";

/** Options of {@linkcode breakMatrix}. */
export interface BreakMatrixOptions {
  /** Attacks, from above and from the left. @default {all but stages of ensembles, those in a row} */
  readonly attacks?: readonly string[];
  /** Their radius in pixel units as text. @default {the largest one that all of them have} */
  readonly eps?: string;
  /** Heading above the figure; none where omitted. */
  readonly title?: string;
  /** Width of the whole figure in pixels of 1/96 inch. @default {321} */
  readonly width?: number;
  /** Height of a row in pixels of 1/96 inch. @default {19} */
  readonly height?: number;
}

/** Columns behind those of the attacks. */
const COUNTS = ["Broken", "Alone"] as const;

/**
 * Draws who broke what no other attack broke, a matrix per network: how many percent of the images that the attack of the
 * row broke the attack of the column failed on. Beside it the number of images that the row's attack broke, and of those
 * that it alone broke. Images that are misclassified as they are do not count, nor do images that one of the attacks was
 * not run on.
 *
 * @param rows Rows of `evidence.csv`, in any order.
 * @param options Attacks, radius, heading and size.
 * @returns A Vega-Lite specification with its data inside.
 * @throws {UsageError} If there are fewer than two attacks, no row has one of them, or no image was attacked by all at
 * the radius.
 * @throws {DataError} If two rows stand for the same thing.
 */
export function breakMatrix(rows: readonly EvidenceRow[], options: BreakMatrixOptions = {}): TopLevelSpec {
  const { title, width = COLUMN_WIDTH, height = 19 } = options;
  const attacks = attacksIn(rows, options.attacks, wholeAttacks(rows).filter((attack) => attack !== "worst"));
  if (attacks.length < 2) {
    throw new UsageError(
      `Cannot compare "${attacks[0]}" with no other attack: evaluate under two, or draw first breaks`,
    );
  }
  const { eps, outcomes } = commonOutcomes(rows, attacks, options.eps, "compare");
  const labels = attacks.map(labelOf);
  const columns = [...labels, ...COUNTS];
  const axisWidth = Math.min(100, Math.max(...labels.map((label) => estimateWidth(label, FONT_SIZE.label)))) + 10;
  const plotWidth = width - axisWidth - 8;
  const isTight = columns.some((label) => estimateWidth(label, FONT_SIZE.label) > plotWidth / columns.length);
  const methods = methodOrder(outcomes.map(({ method }) => method));
  const panels = methods.map((method, panel) => {
    const { images, correct, isBroken } = outcomes.find((own) => own.method === method)!;
    const cells = attacks.flatMap((row) => {
      const broken = correct.filter((image) => isBroken(row, image));
      const alone = broken.filter((image) => attacks.every((other) => other === row || !isBroken(other, image)));
      const shares = attacks.map((column) => {
        const failed = broken.filter((image) => !isBroken(column, image)).length;
        const share = broken.length === 0 ? 0 : Math.round(1e4 * failed / broken.length) / 100;
        const text = column === row || broken.length === 0 ? "" : `${Math.round(share)}`;
        return { row: labelOf(row), column: labelOf(column), share, text, failed };
      });
      const counts = [broken.length, alone.length].map((count, i) => ({
        row: labelOf(row),
        column: COUNTS[i]!,
        share: 0,
        text: `${count}`,
        failed: count,
      }));
      return [...shares, ...counts];
    });
    const x = {
      field: "column",
      type: "nominal" as const,
      sort: null,
      scale: { domain: columns, paddingInner: 0.04, paddingOuter: 0 },
      axis: panel > 0 ? null : {
        title: "Failed on, % of the row's broken",
        titleFontSize: FONT_SIZE.label,
        titleAnchor: "start" as const,
        orient: "top" as const,
        // Slanted ones would reach out of the figure.
        labelAngle: isTight ? -90 : 0,
        labelLimit: 90,
        ticks: false,
        domain: false,
        labelPadding: 4,
      },
    };
    const y = {
      field: "row",
      type: "nominal" as const,
      sort: null,
      scale: { domain: labels, paddingInner: 0.06, paddingOuter: 0 },
      axis: {
        title: null,
        ticks: false,
        domain: false,
        minExtent: axisWidth,
        maxExtent: axisWidth,
        labelLimit: axisWidth - 8,
      },
    };
    const isShare = ({ column }: { readonly column: string }): boolean => labels.includes(column);
    const text = { type: "text" as const, baseline: "middle" as const, align: "center" as const };
    const written = (name: string, values: typeof cells, color: string) =>
      values.length === 0 ? [] : [{
        data: { name: `${name}_${panel}`, values },
        mark: { ...text, color },
        encoding: { x, y, text: { field: "text", type: "nominal" as const } },
      }];
    const isDark = (cell: (typeof cells)[number]): boolean => isShare(cell) && cell.share > 55;
    return {
      width: plotWidth,
      height: height * attacks.length,
      title: {
        text: `${labelOf(method)}: ${correct.length} of ${images.length} images correct`,
        limit: plotWidth,
        fontSize: FONT_SIZE.label,
        offset: 4,
      },
      layer: [
        {
          data: { name: `cells_${panel}`, values: cells.filter(isShare) },
          mark: { type: "rect" as const },
          encoding: {
            x,
            y,
            color: {
              field: "share",
              type: "quantitative" as const,
              scale: { domain: [0, 100], range: ["#f2f5f9", "#0b3c6f"] },
              legend: null,
            },
          },
        },
        ...written("dark", cells.filter((cell) => isDark(cell)), "#ffffff"),
        ...written("light", cells.filter((cell) => !isDark(cell)), "#222222"),
      ],
    };
  });
  return {
    $schema: SCHEMA,
    description:
      `Percent of the images that the attack of the row broke at ${eps} which the attack of the column failed ` +
      `on, for ${methods.map(labelOf).join(", ")}; beside it how many the row's attack broke, and broke alone.`,
    padding: { left: 4, top: 4, right: 4, bottom: 4 },
    ...(title === undefined ? {} : { title }),
    config: THEME,
    spacing: 12,
    vconcat: panels,
  };
}
