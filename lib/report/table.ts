import { escapeHtml, type EvaluationRow } from "../core/mod.ts";
import { accuraciesOf, attacksOf, epsText, in255, requireAttack } from "./_accuracy.ts";
import type { ReferenceCard } from "./reference_card.ts";
import { labelOf, methodOrder } from "./theme.ts";

/** A table of accuracies as texts. */
export interface AccuracyTable {
  /** What the numbers are. */
  readonly caption: string;
  /** Headings: the method, the number of images, then one per attack and radius. */
  readonly columns: readonly string[];
  /** One line per method, a text per column; "-" where there is no row. */
  readonly rows: readonly (readonly string[])[];
}

/** Options of {@linkcode accuracyTable}. */
export interface AccuracyTableOptions {
  /**
   * Attacks beside "clean".
   * @default {all of the rows}
   */
  readonly attacks?: readonly string[];
  /**
   * Radii as text.
   * @default {all of the rows}
   */
  readonly eps?: readonly string[];
  /**
   * Published networks, a line each at the end, with what their cards claim under AutoAttack.
   * @default {none}
   */
  readonly references?: readonly ReferenceCard[];
  /** What the intervals are. @default {"Wilson interval"} */
  readonly interval?: string;
}

/**
 * Arranges accuracies as a table: method by (clean, attacks at their radii), each cell "52.4 [50.2, 54.6]" in percent
 * with its 95 % Wilson interval.
 *
 * @param rows Rows of `evaluation.csv`, in any order.
 * @param options Attacks and radii to show.
 * @returns The table.
 * @throws {UsageError} If no row has one of the attacks.
 * @throws {DataError} If two rows stand for the same thing.
 */
export function accuracyTable(rows: readonly EvaluationRow[], options: AccuracyTableOptions = {}): AccuracyTable {
  options.attacks?.forEach((attack) => requireAttack(rows, attack));
  const attacks = ["clean", ...(options.attacks ?? attacksOf(rows))];
  const radii = options.eps?.map(in255);
  const accuracies = accuraciesOf(rows).filter((row) =>
    attacks.includes(row.attack) && (row.attack === "clean" || radii === undefined || radii.includes(row.eps))
  );
  const { references = [], interval = "Wilson interval" } = options;
  const claims = references.map(({ eps }) => ({ attack: "autoattack", eps: in255(eps) }));
  if (claims.length > 0 && !attacks.includes("autoattack")) attacks.push("autoattack");
  const columns = attacks.flatMap((attack) =>
    [...new Set([...accuracies, ...claims].filter((row) => row.attack === attack).map((row) => row.eps))]
      .sort((a, b) => a - b)
      .map((eps) => ({ attack, eps, heading: attack === "clean" ? "Clean" : `${labelOf(attack)} ${epsText(eps)}` }))
  );
  return {
    caption: `Accuracy in percent [95 % ${interval}]; n images.` +
      (references.length === 0 ? "" : " (card): as its card claims, on other images."),
    columns: ["Method", "n", ...columns.map((column) => column.heading)],
    rows: [
      ...methodOrder(accuracies.map((row) => row.method)).map((method) => {
        const own = accuracies.filter((row) => row.method === method);
        const cells = columns.map(({ attack, eps }) => {
          const row = own.find((row) => row.attack === attack && row.eps === eps);
          return row === undefined ? "-" : `${row.accuracy.toFixed(1)} [${row.low.toFixed(1)}, ${row.high.toFixed(1)}]`;
        });
        const counts = own.map((row) => row.n);
        const least = Math.min(...counts);
        const most = Math.max(...counts);
        return [labelOf(method), least === most ? `${most}` : `${least} to ${most}`, ...cells];
      }),
      ...references.map(({ name, clean, robust, eps }) => [
        `${name} (card)`,
        "-",
        ...columns.map((column) => {
          if (column.attack === "clean") return clean.toFixed(1);
          return column.attack === "autoattack" && column.eps === in255(eps) ? robust.toFixed(1) : "-";
        }),
      ]),
    ],
  };
}

/**
 * Writes a table for a terminal: columns in line, the first to the left and the others to the right.
 *
 * @param table From {@linkcode accuracyTable}.
 * @returns Lines, each ending in a line feed.
 */
export function tableText(table: AccuracyTable): string {
  const lines = [table.columns, ...table.rows];
  const widths = table.columns.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const written = lines.map((line) =>
    line.map((text, column) => column === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[column]!)).join("  ")
  );
  written.splice(1, 0, "-".repeat(written[0]!.length));
  return [...written, "", table.caption, ""].join("\n");
}

/**
 * Writes a table as Markdown.
 *
 * @param table From {@linkcode accuracyTable}.
 * @returns Lines, each ending in a line feed.
 */
export function tableMarkdown(table: AccuracyTable): string {
  const line = (texts: readonly string[]): string =>
    `| ${texts.map((text) => text.replace(/[\\|]/g, "\\$&")).join(" | ")} |`;
  const rule = `| ${table.columns.map((_, column) => column === 0 ? "---" : "---:").join(" | ")} |`;
  return [line(table.columns), rule, ...table.rows.map(line), "", table.caption, ""].join("\n");
}

/**
 * Writes a table as HTML.
 *
 * @param table From {@linkcode accuracyTable}.
 * @returns One `<table>` element, without style.
 */
export function tableHtml(table: AccuracyTable): string {
  const cell = (tag: string, text: string): string => `<${tag}>${escapeHtml(text)}</${tag}>`;
  const body = table.rows.map(([method = "", ...cells]) =>
    `<tr><th scope="row">${escapeHtml(method)}</th>${cells.map((text) => cell("td", text)).join("")}</tr>`
  );
  return [
    "<table>",
    cell("caption", table.caption),
    `<thead><tr>${table.columns.map((text) => `<th scope="col">${escapeHtml(text)}</th>`).join("")}</tr></thead>`,
    "<tbody>",
    ...body,
    "</tbody>",
    "</table>",
    "",
  ].join("\n");
}
