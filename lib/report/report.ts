import {
  type AlarmAction,
  ANALYSIS_QUANTITIES,
  type AnalysisRow,
  DataError,
  type EpochRow,
  type EvaluationRow,
  parseAnalysis,
  parseBracket,
  parseCost,
  parseEpochs,
  parseTeacher,
  readTextIfExists,
  writeFileAtomic,
} from "../core/mod.ts";
import { attacksOf } from "./_accuracy.ts";
import { analysisTable } from "./analysis_table.ts";
import { bracketTable } from "./bracket_table.ts";
import { costTable } from "./cost_table.ts";
import { rowsIn } from "./_rows_in.ts";
import { evaluationIn } from "./evaluation_in.ts";
import { escapeHtml } from "./_escape_html.ts";
import { overfittingTable } from "./overfitting_table.ts";
import { QUANTITIES } from "./_quantities.ts";
import { readReferences } from "./figures.ts";
import { type AccuracyTable, accuracyTable, type AccuracyTableOptions, tableHtml } from "./table.ts";
import { teacherTable } from "./teacher_table.ts";
import { labelOf } from "./theme.ts";

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.9rem; }
caption { caption-side: bottom; text-align: left; padding-top: 0.4rem; color: #555; }
th, td { padding: 0.25rem 0.75rem; text-align: right; white-space: nowrap; border-bottom: 1px solid #ddd; }
th:first-child { text-align: left; }
.wide { overflow-x: auto; }
figure { display: inline-block; margin: 0 1.5rem 1.5rem 0; vertical-align: top; }
figure img { width: 8.5cm; max-width: 100%; }
pre { overflow-x: auto; background: #f5f5f5; padding: 1rem; font-size: 0.8rem; }
@media print { body { max-width: none; margin: 0; } figure { break-inside: avoid; } }
`;

/**
 * Writes `report.html` of a run folder: its tables, its figures and its experiment in one file that needs no network
 * and no other file. The same folder gives the same bytes; of what differs from run to run it has the seconds of
 * `cost.csv`, the rest stays in `manifest.json`.
 *
 * @param folder Run folder with some of `evaluation.csv`, `analysis.csv`, `bracket.csv` and `teacher.csv`, and where they
 * are there `epochs.csv`, `cost.csv`, `experiment.json` and the figures that `writeFigures` draws.
 * @returns Path of the page.
 * @throws {DataError} If none of them has a row, or one is not as expected.
 */
export async function writeReport(folder: string): Promise<string> {
  const { rows: evaluation, ...said } = await evaluationIn(folder);
  const analysis = await rowsIn(folder, "analysis.csv", parseAnalysis);
  const bracket = await rowsIn(folder, "bracket.csv", parseBracket);
  const cost = await rowsIn(folder, "cost.csv", parseCost);
  const teacher = await rowsIn(folder, "teacher.csv", parseTeacher);
  if (evaluation.length + analysis.length + bracket.length + teacher.length === 0) {
    throw new DataError(
      `Cannot write a report of "${folder}" as it has no row in evaluation.csv or analysis.csv: evaluate or analyse first`,
    );
  }
  const epochs = await rowsIn(folder, "epochs.csv", parseEpochs);
  const experiment = await readTextIfExists(`${folder}/experiment.json`);
  const title = titleOf(experiment) ?? folder;
  const page = [
    "<!DOCTYPE html>",
    `<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">`,
    `<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>`,
    `<h1>${escapeHtml(title)}</h1>`,
    ...await figuresOf(folder),
    ...(evaluation.length === 0
      ? []
      : accuracySection(evaluation, { references: await readReferences(folder), ...said })),
    ...(teacher.length === 0 ? [] : ["<h2>Teacher</h2>", wide(teacherTable(teacher))]),
    ...(epochs.length === 0 ? [] : watchSection(epochs, evaluation)),
    ...(bracket.length === 0 ? [] : ["<h2>Worst case within a budget</h2>", wide(bracketTable(bracket))]),
    ...(analysis.length === 0 ? [] : analysisSection(analysis)),
    ...(cost.length === 0 ? [] : ["<h2>Cost</h2>", wide(costTable(cost))]),
    ...(experiment === undefined ? [] : ["<h2>Experiment</h2>", `<pre>${escapeHtml(indented(experiment))}</pre>`]),
    '<p>What made it (code, versions, machine, checksums, times) stands in <a href="manifest.json">manifest.json</a>.</p>',
    "</body></html>",
    "",
  ].join("\n");
  const path = `${folder}/report.html`;
  await writeFileAtomic(path, page);
  return path;
}

function accuracySection(rows: readonly EvaluationRow[], options: AccuracyTableOptions): string[] {
  const attacks = attacksOf(rows);
  if (attacks.length === 0) return ["<h2>Accuracy</h2>", tableHtml(accuracyTable(rows, options))];
  return [
    "<h2>Accuracy</h2>",
    ...attacks.map((attack) => subsection(labelOf(attack), accuracyTable(rows, { ...options, attacks: [attack] }))),
  ];
}

const ALARM_TEXT: { readonly [A in AlarmAction]: string } = {
  report: "it was trained on",
  stop: "training ended there",
  rollBack: "training ended, and the weights of the look before count as the last",
};

function watchSection(epochs: readonly EpochRow[], evaluation: readonly EvaluationRow[]): string[] {
  const alarms = epochs.filter(({ alarm }) => alarm !== "");
  const checked = epochs.filter(({ bound }) => bound !== "");
  const violations = checked.reduce((sum, row) => sum + Number(row.violations), 0);
  const images = checked.reduce((sum, row) => sum + row.n, 0);
  return [
    "<h2>Over the epochs</h2>",
    ...alarms.map(({ method, epoch, attack, eps, robustAccuracy, alarm }) =>
      `<p><strong>Alarm:</strong> ${escapeHtml(labelOf(method))} was down to ${
        (100 * robustAccuracy).toFixed(1)
      } % under ` +
      `${escapeHtml(`${labelOf(attack)} ${eps}`)} at epoch ${epoch}: ${ALARM_TEXT[alarm as AlarmAction]}.</p>`
    ),
    wide(overfittingTable(epochs, evaluation)),
    ...(checked.length === 0 ? [] : [
      `<p>The theory's bound on the loss gap of student and teacher: in ${violations} of ${images} measurements ` +
      "(an image at an epoch) the gap was above the measured bound, which can be too small, as a search finds no more " +
      "than a lower bound of the local linearity error (LLM).</p>",
    ]),
  ];
}

function analysisSection(rows: readonly AnalysisRow[]): string[] {
  const present = ANALYSIS_QUANTITIES.filter((quantity) => rows.some((row) => row.quantity === quantity));
  return [
    "<h2>Analysis</h2>",
    "<p>How the ball was searched for the largest local linearity error, and which attack made the images that losses " +
    "and gradients are taken at, stands under Experiment.</p>",
    ...present.map((quantity) =>
      subsection(QUANTITIES[quantity].title, analysisTable(rows, { quantities: [quantity] }))
    ),
  ];
}

function subsection(title: string, table: AccuracyTable): string {
  return `<h3>${escapeHtml(title)}</h3>${wide(table)}`;
}

function wide(table: AccuracyTable): string {
  return `<div class="wide">${tableHtml(table)}</div>`;
}

/** The figures of the folder as images inside the page: in an image, the names in one SVG cannot clash with another's. */
async function figuresOf(folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(`${folder}/figures`)) if (name.endsWith(".svg")) names.push(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return await Promise.all(
    names.sort().map(async (name) => {
      const svg = await Deno.readTextFile(`${folder}/figures/${name}`);
      const alt = svg.match(/<title>([^<]*)<\/title>/)?.[1] ?? name;
      const source = `data:image/svg+xml;base64,${new TextEncoder().encode(svg).toBase64()}`;
      return `<figure><img src="${source}" alt="${alt}"></figure>`;
    }),
  );
}

function titleOf(experiment: string | undefined): string | undefined {
  try {
    return experiment === undefined ? undefined : String(JSON.parse(experiment).name);
  } catch {
    return undefined;
  }
}

function indented(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}
