import {
  canonicalJson,
  type EpochRow,
  type EvidenceRow,
  ExperimentError,
  formatEpochs,
  formatEvidence,
  formatMeasurements,
  formatSteps,
  hash8,
  type MeasurementRow,
  namesIn,
  parseEpochs,
  parseEvidence,
  parseMeasurements,
  parseSteps,
  readTextIfExists,
  type StepRow,
  writeError,
  writeFileAtomic,
} from "../core/mod.ts";
import { makeFolder, removeIfExists } from "./_files.ts";
import { LOCK_FILE } from "./_lock_folder.ts";

/** The folder of a run: its files and where they lie. */
export interface RunFolder {
  /** Path of the folder. */
  readonly path: string;
  /** First eight hexadecimal digits of the SHA-256 of the canonical experiment. */
  readonly hash: string;
  /** Path of a file in it. */
  readonly file: (...names: readonly string[]) => string;
}

/** What a run folder is made for: plain JSON with a name; the hash is of all of it. */
export interface RunIdentity {
  /** First part of the name of the folder. */
  readonly name: string;
}

/** Name of the folder of an experiment: "quickstart-1a2b3c4d". */
export async function runName(experiment: RunIdentity): Promise<string> {
  return `${experiment.name}-${await hash8(experiment)}`;
}

/** Files that were being written when a process was killed, as writeFileAtomic names them. */
const UNFINISHED = /\.[0-9a-f]{8}\.tmp$/;

/**
 * Opens the folder of a run, or makes it. Files that a killed process left unfinished are removed.
 *
 * @param experiment The experiment.
 * @param path The folder.
 * @returns The folder, with `experiment.json` in it.
 * @throws {ExperimentError} If the folder holds another experiment, or files that are no run.
 */
export async function openRunFolder(experiment: RunIdentity, path: string): Promise<RunFolder> {
  const hash = await hash8(experiment);
  const file = (...names: readonly string[]) => [path, ...names].join("/");
  const found = await readTextIfExists(file("experiment.json"));
  if (found === undefined) {
    if ((await namesIn(path)).some((name) => !UNFINISHED.test(name) && name !== LOCK_FILE)) {
      throw new ExperimentError(
        `Cannot run in "${path}" as it holds files but no experiment.json: choose another --out`,
      );
    }
    await makeFolder(path);
    await writeFileAtomic(file("experiment.json"), `${canonicalJson(experiment)}\n`);
  } else if (found.trim() !== canonicalJson(experiment)) {
    const other = await hash8(parse(found, file("experiment.json")));
    throw new ExperimentError(
      `Cannot run the experiment "${experiment.name}" (${hash}) in "${path}" as another one lies there (${other}): ` +
        "choose another --out",
    );
  }
  for (const folder of [path, file("checkpoints"), file("figures")]) {
    for (const name of await namesIn(folder)) if (UNFINISHED.test(name)) await removeIfExists(`${folder}/${name}`);
  }
  return { path, hash, file };
}

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ExperimentError(`Cannot read "${name}" as it is not JSON: choose another --out, or remove the folder`);
  }
}

/** An append-only table of a run folder: what a killed process left behind is mended when it is opened. */
export interface RowFile<R> {
  /** Rows that are in the file. */
  readonly rows: readonly R[];
  /** Writes further rows, whole lines at once. */
  readonly append: (rows: readonly R[]) => Promise<void>;
}

/**
 * Opens `steps.csv`.
 *
 * @param folder The run.
 * @param terms Names of all terms of the experiment: the columns after the common ones.
 * @param keep Rows to keep; the others, and a torn last line, are removed.
 */
export function openSteps(
  folder: RunFolder,
  terms: readonly string[],
  keep: (row: StepRow) => boolean,
): Promise<RowFile<StepRow>> {
  return openRows(folder.file("steps.csv"), parseSteps, (rows, headers) => formatSteps(rows, { headers, terms }), keep);
}

/** Opens `evidence.csv`; a torn last line is removed. */
export function openEvidence(folder: RunFolder): Promise<RowFile<EvidenceRow>> {
  return openEvidenceAs(folder, "evidence.csv");
}

/**
 * Opens `budget.csv`; a torn last line is removed. Its rows have the columns of `evidence.csv` and say what one attack
 * alone did to an image; images that needed no attack any more have none.
 */
export function openBudget(folder: RunFolder): Promise<RowFile<EvidenceRow>> {
  return openEvidenceAs(folder, "budget.csv");
}

function openEvidenceAs(folder: RunFolder, name: string): Promise<RowFile<EvidenceRow>> {
  return openRows(
    folder.file(name),
    parseEvidence,
    (rows, headers) => formatEvidence(rows, { headers }),
    () => true,
  );
}

/**
 * Opens `epochs.csv`.
 *
 * @param folder The run.
 * @param keep Rows to keep; the others, and a torn last line, are removed.
 */
export function openEpochs(folder: RunFolder, keep: (row: EpochRow) => boolean): Promise<RowFile<EpochRow>> {
  return openRows(folder.file("epochs.csv"), parseEpochs, (rows, headers) => formatEpochs(rows, { headers }), keep);
}

/** Opens `measurements.csv`; a torn last line is removed. */
export function openMeasurements(folder: RunFolder): Promise<RowFile<MeasurementRow>> {
  return openRows(
    folder.file("measurements.csv"),
    parseMeasurements,
    (rows, headers) => formatMeasurements(rows, { headers }),
    () => true,
  );
}

async function openRows<R>(
  path: string,
  parseRows: (text: string, name: string) => { readonly rows: readonly R[]; readonly torn: boolean },
  format: (rows: readonly R[], headers: boolean) => string,
  keep: (row: R) => boolean,
): Promise<RowFile<R>> {
  const text = await readTextIfExists(path);
  const found = text === undefined || text === "" ? { rows: [], torn: true } : parseRows(text, path);
  const rows = found.rows.filter(keep);
  if (found.torn || rows.length < found.rows.length) await writeFileAtomic(path, format(rows, true));
  return {
    rows,
    append: async (more) => {
      if (more.length === 0) return;
      await Deno.writeTextFile(path, format(more, false), { append: true }).catch((error) => {
        throw writeError(error, path);
      });
    },
  };
}
