import { DataError, parseBracket, parseEvaluation, readTextIfExists, writeFileAtomic } from "../core/mod.ts";
import { attacksOf } from "./_accuracy.ts";
import { bracketTable } from "./bracket_table.ts";
import { escapeHtml } from "./_escape_html.ts";
import { readReferences } from "./figures.ts";
import { accuracyTable, tableHtml } from "./table.ts";
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
 * and no other file. The same folder gives the same bytes: what differs from run to run stays in `manifest.json`.
 *
 * @param folder Run folder with `evaluation.csv` or `bracket.csv`, `experiment.json` and the figures that `writeFigures` draws.
 * @returns Path of the page.
 * @throws {DataError} If there is no row in `evaluation.csv` and `bracket.csv`, or one is not as expected.
 */
export async function writeReport(folder: string): Promise<string> {
  const name = `${folder}/evaluation.csv`;
  const { rows } = parseEvaluation(await readTextIfExists(name) ?? "", name);
  const bracket = parseBracket(await readTextIfExists(`${folder}/bracket.csv`) ?? "", `${folder}/bracket.csv`).rows;
  if (rows.length === 0 && bracket.length === 0) {
    throw new DataError(`Cannot write a report of "${folder}" as it has no row in evaluation.csv: evaluate first`);
  }
  const experiment = await readTextIfExists(`${folder}/experiment.json`);
  const title = titleOf(experiment) ?? folder;
  const attacks = attacksOf(rows);
  const references = await readReferences(folder);
  const within = `<div class="wide">${tableHtml(bracketTable(bracket))}</div>`;
  const tables = rows.length === 0
    ? []
    : attacks.length === 0
    ? [tableHtml(accuracyTable(rows, { references }))]
    : attacks.map((attack) =>
      `<h3>${escapeHtml(labelOf(attack))}</h3><div class="wide">${
        tableHtml(accuracyTable(rows, { attacks: [attack], references }))
      }</div>`
    );
  const page = [
    "<!DOCTYPE html>",
    `<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">`,
    `<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>`,
    `<h1>${escapeHtml(title)}</h1>`,
    ...await figuresOf(folder),
    ...(tables.length === 0 ? [] : ["<h2>Accuracy</h2>", ...tables]),
    ...(bracket.length === 0 ? [] : ["<h2>Worst case within a budget</h2>", within]),
    ...(experiment === undefined ? [] : ["<h2>Experiment</h2>", `<pre>${escapeHtml(indented(experiment))}</pre>`]),
    '<p>What made it (code, versions, machine, checksums, times) stands in <a href="manifest.json">manifest.json</a>.</p>',
    "</body></html>",
    "",
  ].join("\n");
  const path = `${folder}/report.html`;
  await writeFileAtomic(path, page);
  return path;
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
