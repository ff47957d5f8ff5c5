import {
  type AlarmAction,
  ANALYSIS_QUANTITIES,
  type AnalysisRow,
  DataError,
  type EpochRow,
  escapeHtml,
  type EvaluationRow,
  parseAnalysis,
  parseBracket,
  parseCost,
  parseEpochs,
  parseTeacher,
  readTextIfExists,
  writeFileAtomic,
} from "../core/mod.ts";
import { attacksOf, in255, wholeAttacks } from "./_accuracy.ts";
import { analysisTable } from "./analysis_table.ts";
import { bracketTable } from "./bracket_table.ts";
import { costTable } from "./cost_table.ts";
import { rowsIn } from "./_rows_in.ts";
import { evaluationIn } from "./evaluation_in.ts";
import { finding } from "./_finding.ts";
import { gallery, type ReportImages } from "./_gallery.ts";
import { madeBy, manifestHtml, type ManifestJson } from "./_manifest_html.ts";
import { maskingIn, type MaskingRecord } from "./_masking_in.ts";
import { maskingTable } from "./masking_table.ts";
import { overfittingTable } from "./overfitting_table.ts";
import { pageHtml, type Section } from "./_page.ts";
import { pageFigures } from "./_page_figures.ts";
import { QUANTITIES } from "./_quantities.ts";
import { readReferences } from "./figures.ts";
import { type AccuracyTable, accuracyTable, type AccuracyTableOptions, tableHtml } from "./table.ts";
import { teacherTable } from "./teacher_table.ts";
import { labelOf, methodOrder } from "./theme.ts";

export type { ReportImages } from "./_gallery.ts";

/** Options of {@linkcode writeReport}. */
export interface ReportOptions {
  /** Path of the page. @default {`report.html` in the folder} */
  readonly out?: string;
  /** Adversarial images that were saved, for a gallery. @default {none} */
  readonly images?: readonly ReportImages[];
}

/**
 * Writes `report.html` of a run folder: what was found, in words; figures that show their rows under the pointer and can
 * be without a method; tables that sort; the checks for masked gradients; adversarial images; costs, the experiment and
 * what made it. It is one file that needs no network and no other file, and that is complete without scripts and on paper.
 *
 * The same folder gives the same bytes. What differs from run to run is the seconds of `cost.csv`, and what stands in
 * `manifest.json`, but for the time at which the run was finished, which is no part of the page.
 *
 * @param folder Run folder with some of `evaluation.csv`, `analysis.csv`, `bracket.csv` and `teacher.csv`, and where they
 * are there `epochs.csv`, `cost.csv`, `masking.json`, `experiment.json`, `manifest.json` and the figures that
 * `writeFigures` draws; without figures they are drawn for the page.
 * @param options Where the page goes, and images.
 * @returns Path of the page.
 * @throws {DataError} If none of them has a row, or one is not as expected.
 */
export async function writeReport(folder: string, options: ReportOptions = {}): Promise<string> {
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
  const masking = await maskingIn(folder);
  const experiment = await jsonIn(folder, "experiment.json");
  const manifest = objectOf((await jsonIn(folder, "manifest.json"))?.value);
  const figures = await pageFigures(folder);
  const references = await readReferences(folder);
  const images = gallery(options.images ?? []);
  const { name, teacher: asked } = objectOf(experiment?.value);
  const teacherName = String(objectOf(asked).name ?? "teacher");
  const section = (title: string, html: readonly string[]): Section[] =>
    html.length === 0 ? [] : [{ id: title.toLowerCase().replaceAll(/[^a-z]+/g, "-"), title, html }];
  const page = await pageHtml({
    title: name === undefined ? nameOf(folder) : String(name),
    head: summary({ evaluation, interval: said.interval, teacher: teacherName, masking, manifest, experiment }),
    sections: [
      ...section(
        "Figures",
        figures.html.length === 0 ? [] : [
          '<fieldset id="methods" hidden><legend>Methods in the figures</legend></fieldset>',
          '<div class="figures">',
          ...figures.html,
          "</div>",
        ],
      ),
      ...section("Accuracy", evaluation.length === 0 ? [] : accuracySection(evaluation, { references, ...said })),
      ...section("Masked gradients", maskingSection(masking)),
      ...section(
        "Adversarial images",
        images.length === 0 ? [] : [
          "<p>Of each network under the attack that broke most images at the largest radius, the first that it broke: the " +
          "image, ten times the perturbation (grey is none), the adversarial image.</p>",
          ...images,
        ],
      ),
      ...section("Teacher", teacher.length === 0 ? [] : [wide(teacherTable(teacher), "Teacher")]),
      ...section("Over the epochs", epochs.length === 0 ? [] : watchSection(epochs, evaluation)),
      ...section(
        "Worst case within a budget",
        bracket.length === 0 ? [] : [wide(bracketTable(bracket), "Worst case within a budget")],
      ),
      ...section("Analysis", analysis.length === 0 ? [] : analysisSection(analysis)),
      ...section("Cost", cost.length === 0 ? [] : [wide(costTable(cost), "Cost")]),
      ...section(
        "Experiment",
        experiment === undefined ? [] : [
          folded("All settings", `<pre>${escapeHtml(experiment.text)}</pre>`),
        ],
      ),
      ...section(
        "What made it",
        Object.keys(manifest).length === 0 ? [] : [
          folded("Code, versions, machine, checksums, times", manifestHtml(manifest)),
        ],
      ),
    ],
    data: { ...figures.data, fields: FIELDS },
  });
  const path = options.out ?? `${folder}/report.html`;
  await writeFileAtomic(path, page);
  return path;
}

/** Names of fields in tooltips; another one is called as it is. */
const FIELDS: Readonly<Record<string, string>> = {
  method: "Method",
  attack: "Attack",
  eps: "Radius (1/255)",
  accuracy: "Accuracy (%)",
  clean: "Clean (%)",
  robust: "Robust (%)",
  low: "95 % interval",
  cleanLow: "Clean, low",
  cleanHigh: "Clean, high",
  lower: "At least (%)",
  upper: "At most (%)",
  n: "Images",
  images: "Images",
  mean: "Mean",
  step: "Step",
  epoch: "Epoch",
  value: "Value",
  confidence: "Confidence (%)",
};

interface SummaryParts {
  readonly evaluation: readonly EvaluationRow[];
  readonly interval: string | undefined;
  readonly teacher: string;
  readonly masking: readonly MaskingRecord[];
  readonly manifest: ManifestJson;
  readonly experiment: { readonly value: unknown } | undefined;
}

/** What was run, and what it found. */
function summary({ evaluation, interval, teacher, masking, manifest, experiment }: SummaryParts): string[] {
  const found = finding(evaluation, teacher, interval);
  const attacks = wholeAttacks(evaluation).filter((attack) => attack !== "worst");
  const radii = [...new Set(evaluation.filter(({ attack }) => attack !== "clean").map(({ eps }) => eps))]
    .sort((a, b) => in255(a) - in255(b));
  const counts = [...new Set(evaluation.map(({ n }) => n))].sort((a, b) => a - b);
  const kind = objectOf(objectOf(experiment?.value).data).kind;
  const failed = masking.filter(({ rows }) => rows.some(({ status }) => status === "fail"));
  const facts: readonly (readonly [string, string])[] = [
    ["Networks", methodOrder(evaluation.map(({ method }) => method)).map(labelOf).join(", ")],
    ["Attacks", attacks.length === 0 ? "" : `${attacks.map(labelOf).join(", ")} at ${radii.join(", ")}`],
    ["Images", counts.length === 0 ? "" : `${counts.join(" or ")}${typeof kind === "string" ? ` of ${kind}` : ""}`],
    ["Seed", String(manifest.seed ?? "")],
    ...madeBy(manifest),
  ];
  return [
    ...(found === undefined ? [] : [`<p class="finding">${escapeHtml(found.text.replaceAll(" %", "\u00a0%"))}</p>`]),
    ...failed.map(({ rows }) =>
      `<p><strong>Masked gradients:</strong> ${escapeHtml(labelOf(rows[0]!.method))} fails ` +
      `${rows.filter(({ status }) => status === "fail").map(({ check }) => escapeHtml(check)).join(", ")}; ` +
      "what attacks with gradients leave of it is not to be believed.</p>"
    ),
    ...(found === undefined ? [] : [wide(found.table, "Main finding")]),
    '<dl class="made">',
    ...facts.filter(([, text]) => text !== "").map(([name, text]) =>
      `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(text)}</dd>`
    ),
    "</dl>",
  ];
}

function accuracySection(rows: readonly EvaluationRow[], options: AccuracyTableOptions): string[] {
  const attacks = attacksOf(rows);
  if (attacks.length === 0) return [wide(accuracyTable(rows, options), "Accuracy")];
  return attacks.map((attack) => subsection(labelOf(attack), accuracyTable(rows, { ...options, attacks: [attack] })));
}

function maskingSection(masking: readonly MaskingRecord[]): string[] {
  return masking.flatMap(({ rows, n, eps, ...passes }) => {
    const name = labelOf(rows[0]!.method);
    return [
      `<h3>${escapeHtml(name)}</h3>`,
      ...(n === 0 ? [] : [`<p>On ${n} images at ${escapeHtml(eps)}.</p>`]),
      `<div class="checks">${wide(maskingTable(rows, passes), `Masked gradients of ${name}`)}</div>`,
    ];
  });
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
    ...alarms.map(({ method, epoch, attack, eps, robustAccuracy, alarm }) =>
      `<p><strong>Alarm:</strong> ${escapeHtml(labelOf(method))} was down to ${
        (100 * robustAccuracy).toFixed(1)
      } % under ` +
      `${escapeHtml(`${labelOf(attack)} ${eps}`)} at epoch ${epoch}: ${ALARM_TEXT[alarm as AlarmAction]}.</p>`
    ),
    wide(overfittingTable(epochs, evaluation), "Over the epochs"),
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
    "<p>How the ball was searched for the largest local linearity error, and which attack made the images that losses " +
    "and gradients are taken at, stands under Experiment.</p>",
    ...present.map((quantity) =>
      subsection(QUANTITIES[quantity].title, analysisTable(rows, { quantities: [quantity] }))
    ),
  ];
}

function subsection(title: string, table: AccuracyTable): string {
  return `<h3>${escapeHtml(title)}</h3>${wide(table, title)}`;
}

/** A table in a frame that scrolls sideways, by keys too. */
function wide(table: AccuracyTable, name: string): string {
  return `<div class="wide" role="region" tabindex="0" aria-label="${escapeHtml(`Table: ${name}`)}">${
    tableHtml(table)
  }</div>`;
}

/** Open in the file, so that all is there without scripts; the page's script shuts it. */
function folded(title: string, html: string): string {
  return `<details open><summary>${escapeHtml(title)}</summary>${html}</details>`;
}

/** A JSON file of the folder, and its text in lines; the text as it is where it is no JSON. */
async function jsonIn(
  folder: string,
  name: string,
): Promise<{ readonly value: unknown; readonly text: string } | undefined> {
  const text = await readTextIfExists(`${folder}/${name}`);
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text);
    return { value, text: JSON.stringify(value, null, 2) };
  } catch {
    return { value: undefined, text };
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}

/** The last part of a path. */
function nameOf(folder: string): string {
  return folder.split(/[\\/]/).findLast((part) => part !== "") ?? folder;
}
