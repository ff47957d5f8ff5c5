import { DataError, readTextIfExists, writeFileAtomic } from "../core/mod.ts";
import { type DataSpec, loadData } from "../data/mod.ts";
import { disposeTree, type Engine, putTree } from "../engine/mod.ts";
import { type Classifier, freeze, type LoadedWeights, loadWeights } from "../models/mod.ts";
import { parseReferenceCard, writeFigures, writeReport } from "../report/mod.ts";
import { checkEvaluation } from "./_check_evaluation.ts";
import { checkNames } from "./_check_names.ts";
import { evaluated, evaluationSet } from "./_evaluated.ts";
import { exists, makeFolder } from "./_files.ts";
import { masking } from "./_masking.ts";
import { savedImages } from "./_saved_images.ts";
import type { EvaluationSpec } from "./experiment.ts";
import { openManifest } from "./manifest.ts";
import type { RunEvent } from "./run.ts";
import { openEvidence, openRunFolder, runName } from "./run_folder.ts";

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
  /** Weights with their model card beside them. */
  readonly path: string;
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
  /** Folder of files of the adversarial images; the attacks are run a second time for them. @default {none} */
  readonly images?: string;
  /**
   * Look for masked gradients at the largest radius, on the first 100 images, into `masking.json`. The second network's
   * adversarial images are tried on the first, and the first one's on the others.
   *
   * @default {false}
   */
  readonly masking?: boolean;
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
  checkNames(options.models.map(({ method }) => method), "evaluate");
  checkEvaluation(evaluation);
  const loaded = new Map<string, LoadedWeights>();
  for (const { method, path } of options.models) loaded.set(method, await loadWeights(path));
  const references = await Promise.all((options.references ?? []).map(readCard));
  yield { kind: "progress", label: "load data", done: 0, total: 1 };
  const data = await loadData(asked.data, options.data === undefined ? {} : { path: options.data });
  const split = evaluationSet(evaluation, data);
  const models = [...loaded].map(([method, { card }]) => ({ method, weights: card.sha256 }));
  const content = { name: ["evaluation", ...loaded.keys()].join("-"), models, ...asked };
  const path = options.out ?? `runs/${await runName(content)}`;
  const resumed = await exists(`${path}/experiment.json`);
  const folder = await openRunFolder(content, path);
  const manifest = await openManifest(folder, engine, data, seed);
  for (const { method, weights } of models) await manifest.trained(method, weights);
  yield { kind: "open", folder: path, resumed };
  if (references.length > 0) await makeFolder(folder.file("references"));
  for (const { name, text } of references) await writeFileAtomic(folder.file("references", name), text);
  const classifiers = new Map<string, Classifier>();
  try {
    for (const [method, { model, weights }] of loaded) {
      classifiers.set(method, freeze(model, putTree(engine, weights)));
    }
    const rows = yield* evaluated({ evaluation, seed, classifiers, split, folder, manifest, engine });
    if (options.masking) yield* masking({ engine, evaluation, seed, classifiers, split, folder });
    if (options.images !== undefined) {
      const sums = new Map(models.map(({ method, weights }) => [method, weights]));
      const { rows: evidence } = await openEvidence(folder);
      yield* savedImages({ engine, evaluation, split, classifiers, weights: sums, evidence, folder: options.images });
    }
    const figures = await writeFigures(path);
    const report = await writeReport(path);
    await manifest.finish();
    yield { kind: "end", folder: path, rows, figures, report };
  } finally {
    for (const { weights } of classifiers.values()) disposeTree(weights);
  }
}

/** A card as it stands in its file, once it has been read as one. */
async function readCard(path: string): Promise<{ readonly name: string; readonly text: string }> {
  const text = await readTextIfExists(path);
  if (text === undefined) throw new DataError(`Cannot read "${path}" as there is no such file: check the path`);
  parseReferenceCard(text, path);
  return { name: `${path.split(/[\\/]/).at(-1)!.replace(/\.json$/, "")}.json`, text };
}
