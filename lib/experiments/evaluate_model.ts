import { UsageError } from "../core/mod.ts";
import { type DataSpec, loadData } from "../data/mod.ts";
import { disposeTree, type Engine, putTree } from "../engine/mod.ts";
import { freeze, loadWeights } from "../models/mod.ts";
import { writeFigures, writeReport } from "../report/mod.ts";
import { checkEvaluation } from "./_check_evaluation.ts";
import { evaluated, evaluationSet } from "./_evaluated.ts";
import { exists } from "./_files.ts";
import type { EvaluationSpec } from "./experiment.ts";
import { openManifest } from "./manifest.ts";
import type { RunEvent } from "./run.ts";
import { openRunFolder, runName } from "./run_folder.ts";

/** The evaluation of one saved network. Plain JSON. */
export interface ModelEvaluation {
  /** Name of the network in rows and figures, lower case. */
  readonly method: string;
  /** Images. */
  readonly data: DataSpec;
  /** Names the random starts. */
  readonly seed: number;
  /** Split, attacks and radii. */
  readonly evaluation: EvaluationSpec;
}

/** Where and how a saved network is evaluated. */
export interface EvaluateModelOptions {
  /** What computes. */
  readonly engine: Engine;
  /** Weights with their model card beside them. */
  readonly model: string;
  /** Where data lie that are not drawn by the program. */
  readonly data?: string;
  /** Folder of the rows. @default {"runs/evaluation-<method>-<hash>"} */
  readonly out?: string;
}

/**
 * Evaluates a saved network into a folder of its own: `evidence.csv`, `evaluation.csv`, figures, and what was asked in
 * `experiment.json`. Stopped or killed at any point, the same call goes on after the rows that exist.
 *
 * @param asked What to evaluate on.
 * @param options Engine, weights, data and folder.
 * @returns Events as those of {@linkcode run}.
 * @throws {UsageError} If what is asked cannot be used.
 * @throws {DataError} If data are missing or damaged, or do not fit the network.
 * @throws {CheckpointError} If the weights or their card cannot be read.
 * @throws {ChecksumError} If the weights are not those of their card.
 * @throws {ExperimentError} If the folder is of another evaluation, or the split is too small.
 */
export async function* evaluateModel(
  asked: ModelEvaluation,
  options: EvaluateModelOptions,
): AsyncGenerator<RunEvent, void, void> {
  const { method, evaluation, seed } = asked;
  const { engine } = options;
  if (!/^[a-z0-9][a-z0-9.-]*$/.test(method)) {
    throw new UsageError(`Cannot name a network "${method}": write lower-case letters, digits, dots and hyphens`);
  }
  checkEvaluation(evaluation);
  const { model, weights, card } = await loadWeights(options.model);
  yield { kind: "progress", label: "load data", done: 0, total: 1 };
  const data = await loadData(asked.data, options.data === undefined ? {} : { path: options.data });
  const split = evaluationSet(evaluation, data);
  const content = { name: `evaluation-${method}`, weights: card.sha256, ...asked };
  const path = options.out ?? `runs/${await runName(content)}`;
  const resumed = await exists(`${path}/experiment.json`);
  const folder = await openRunFolder(content, path);
  const manifest = await openManifest(folder, engine, data, seed);
  await manifest.trained(method, card.sha256);
  yield { kind: "open", folder: path, resumed };
  const classifier = freeze(model, putTree(engine, weights));
  try {
    const classifiers = new Map([[method, classifier]]);
    const rows = yield* evaluated({ evaluation, seed, classifiers, split, folder, manifest, engine });
    const figures = await writeFigures(path);
    const report = await writeReport(path);
    await manifest.finish();
    yield { kind: "end", folder: path, rows, figures, report };
  } finally {
    disposeTree(classifier.weights);
  }
}
