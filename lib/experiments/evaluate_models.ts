import {
  canonicalJson,
  DataError,
  type EvidenceRow,
  ExperimentError,
  parseEvidence,
  readTextIfExists,
  writeFileAtomic,
} from "../core/mod.ts";
import type { DdnSpec, FabSpec } from "../attacks/mod.ts";
import type { DataSpec } from "../data/mod.ts";
import type { Engine } from "../engine/mod.ts";
import type { LoadOptions } from "../models/mod.ts";
import { parseReferenceCard, SCREEN_ENDINGS, writeFigures } from "../report/mod.ts";
import { distances } from "./_distances.ts";
import { endEvent } from "./_end_event.ts";
import { evaluated } from "./_evaluated.ts";
import { makeFolder } from "./_files.ts";
import { masking } from "./_masking.ts";
import { openEvaluation } from "./_open_evaluation.ts";
import { savedImages } from "./_saved_images.ts";
import type { EvaluationSpec } from "./experiment.ts";
import { reportRun } from "./report_run.ts";
import type { RunEvent } from "./run.ts";
import { openEvidence } from "./run_folder.ts";

/** An evaluation of saved networks. Plain JSON. */
export interface ModelEvaluation {
  /** Images. */
  readonly data: DataSpec;
  /** Names the random starts. */
  readonly seed: number;
  /** Split, attacks and radii. */
  readonly evaluation: EvaluationSpec;
}

/** A saved network. */
export interface SavedModel {
  /** Its name in rows and figures, lower case. */
  readonly method: string;
  /** Weights, with their model card beside them where `load` does not say what they are for. */
  readonly path: string;
  /** What weights without a card are for. @default {what their card says} */
  readonly load?: LoadOptions;
}

/** Which saved networks are evaluated, where and how. */
export interface EvaluateModelsOptions {
  /** What computes. */
  readonly engine: Engine;
  /** The networks, all on the same images. */
  readonly models: readonly SavedModel[];
  /** Where data lie that are not drawn by the program. */
  readonly data?: string;
  /** Folder of the rows. @default {"runs/evaluation-<methods>-<hash>"} */
  readonly out?: string;
  /** Files of published networks' cards, drawn beside the curves; copied into `references`. @default {none} */
  readonly references?: readonly string[];
  /**
   * Folder of files of the adversarial images. Images whose rows were there before they were asked for are attacked a
   * second time.
   *
   * @default {none}
   */
  readonly images?: string;
  /**
   * Look for masked gradients at the largest radius, on the first 100 images, into `masking.json`. The second network's
   * adversarial images are tried on the first, and the first one's on the others.
   *
   * @default {false}
   */
  readonly masking?: boolean;
  /** Find the nearest misclassified image of each by this attack, into `distances.csv`. @default {none} */
  readonly distances?: FabSpec | DdnSpec;
  /**
   * Folders of evaluations of parts of these images (`evaluation.shard`): their rows are taken over, what they lack is
   * run.
   *
   * @default {none}
   */
  readonly merge?: readonly string[];
}

/**
 * Evaluates saved networks into a folder: `evidence.csv`, `evaluation.csv`, figures, and what was asked in
 * `experiment.json`. Stopped or killed at any point, the same call goes on after the rows that exist.
 *
 * @param asked What to evaluate on.
 * @param options Engine, networks, data and folder.
 * @returns Events as those of {@linkcode run}.
 * @throws {UsageError} If what is asked cannot be used.
 * @throws {DataError} If data are missing or damaged, or do not fit a network.
 * @throws {CheckpointError} If weights or their card cannot be read.
 * @throws {ChecksumError} If weights are not those of their card.
 * @throws {ExperimentError} If the folder is of another evaluation, or the split is too small.
 */
export async function* evaluateModels(
  asked: ModelEvaluation,
  options: EvaluateModelsOptions,
): AsyncGenerator<RunEvent, void, void> {
  const { evaluation, seed } = asked;
  const { engine } = options;
  const references = await Promise.all((options.references ?? []).map(readCard));
  const opened = yield* openEvaluation(asked, options);
  const { folder, manifest, split, classifiers, weights } = opened;
  const { path } = folder;
  if (references.length > 0) await makeFolder(folder.file("references"));
  for (const { name, text } of references) await writeFileAtomic(folder.file("references", name), text);
  try {
    const parts = (await Promise.all((options.merge ?? []).map((part) => partRows(part, asked, weights)))).flat();
    const context = { evaluation, seed, classifiers, split, folder, manifest, engine, parts };
    const saved = options.images === undefined
      ? undefined
      : { engine, evaluation, split, data: asked.data, classifiers, weights, folder: options.images };
    const rows = yield* evaluated(saved === undefined ? context : { ...context, saved });
    if (options.masking) yield* masking(context);
    if (options.distances !== undefined) yield* distances(context, options.distances);
    if (saved !== undefined) yield* savedImages(saved, (await openEvidence(folder)).rows);
    const figures = await writeFigures(path, SCREEN_ENDINGS);
    const report = await reportRun(path);
    await manifest.finish();
    yield endEvent({ folder: path, rows, figures, report });
  } finally {
    opened.dispose();
  }
}

/** A card as it stands in its file, once it has been read as one. */
async function readCard(path: string): Promise<{ readonly name: string; readonly text: string }> {
  const text = await readTextIfExists(path);
  if (text === undefined) throw new DataError(`Cannot read "${path}" as there is no such file: check the path`);
  parseReferenceCard(text, path);
  return { name: `${path.split(/[\\/]/).at(-1)!.replace(/\.json$/, "")}.json`, text };
}

/** The rows of a part, once it is seen to be one of this evaluation. */
async function partRows(
  path: string,
  asked: ModelEvaluation,
  weights: ReadonlyMap<string, string>,
): Promise<readonly EvidenceRow[]> {
  const [experiment, evidence] = await Promise.all(
    ["experiment.json", "evidence.csv"].map((name) => readTextIfExists(`${path}/${name}`)),
  );
  if (experiment === undefined || evidence === undefined) {
    throw new DataError(`Cannot merge "${path}" as it has no experiment.json or no evidence.csv: evaluate it first`);
  }
  const { data, seed, evaluation, models = [] } = parseExperiment(experiment, `${path}/experiment.json`);
  const { shard: _, ...whole } = evaluation ?? {};
  const isSame = canonicalJson([data ?? null, seed ?? null, whole]) ===
    canonicalJson([asked.data, asked.seed, asked.evaluation]);
  if (!isSame || models.some(({ method, weights: sum }) => weights.get(method) !== sum)) {
    throw new ExperimentError(
      `Cannot merge "${path}" as it is no part of this evaluation: networks, data, seed, n, batch, attacks and radii ` +
        "must be the same",
    );
  }
  return parseEvidence(evidence, `${path}/evidence.csv`).rows;
}

/** What stands in `experiment.json` of an evaluation; of another experiment other things do. */
interface PartExperiment extends Partial<ModelEvaluation> {
  readonly models?: readonly { readonly method: string; readonly weights: string }[];
}

function parseExperiment(text: string, name: string): PartExperiment {
  try {
    return JSON.parse(text);
  } catch {
    throw new ExperimentError(`Cannot read "${name}" as it is not JSON: evaluate the part again`);
  }
}
