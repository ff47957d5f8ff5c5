import { type Dataset, loadData } from "../data/mod.ts";
import { disposeTree, putTree } from "../engine/mod.ts";
import { type Classifier, freeze, type LoadedWeights, loadWeights } from "../models/mod.ts";
import { checkEvaluation } from "./_check_evaluation.ts";
import { checkNames } from "./_check_names.ts";
import { evaluationSet } from "./_evaluated.ts";
import { exists } from "./_files.ts";
import type { EvaluateModelsOptions, ModelEvaluation } from "./evaluate_models.ts";
import { type ManifestWriter, openManifest } from "./manifest.ts";
import type { RunEvent } from "./run.ts";
import { openRunFolder, type RunFolder, runName } from "./run_folder.ts";

/** Saved networks on an engine, images, and the folder of their evaluation. */
export interface OpenedEvaluation {
  readonly folder: RunFolder;
  readonly manifest: ManifestWriter;
  readonly split: Dataset;
  readonly classifiers: ReadonlyMap<string, Classifier>;
  /** SHA-256 of the weights of each network. */
  readonly weights: ReadonlyMap<string, string>;
  /** Takes the networks off the engine. */
  readonly dispose: () => void;
}

/** Checks what is asked, loads networks and images, and opens the folder. */
export async function* openEvaluation(
  asked: ModelEvaluation,
  options: Pick<EvaluateModelsOptions, "engine" | "models" | "data" | "out">,
): AsyncGenerator<Extract<RunEvent, { readonly kind: "open" | "progress" }>, OpenedEvaluation, void> {
  const { evaluation, seed } = asked;
  const { engine } = options;
  checkNames(options.models.map(({ method }) => method), "evaluate");
  checkEvaluation(evaluation);
  const loaded = new Map<string, LoadedWeights>();
  for (const { method, path, load } of options.models) loaded.set(method, await loadWeights(path, load));
  yield { kind: "progress", label: "load data", done: 0, total: 1 };
  const data = await loadData(asked.data, options.data === undefined ? {} : { path: options.data });
  const split = evaluationSet(evaluation, data);
  const models = options.models.map(({ method, load = {} }) => ({
    method,
    weights: loaded.get(method)!.card.sha256,
    ...(Object.keys(load).length > 0 ? { load } : {}),
  }));
  const content = { name: ["evaluation", ...loaded.keys()].join("-"), models, ...asked };
  const path = options.out ?? `runs/${await runName(content)}`;
  const resumed = await exists(`${path}/experiment.json`);
  const folder = await openRunFolder(content, path);
  const manifest = await openManifest(folder, engine, data, seed);
  for (const { method, weights } of models) await manifest.trained(method, weights);
  yield { kind: "open", folder: path, resumed };
  const classifiers = new Map(
    [...loaded].map(([method, { model, weights }]) => [method, freeze(model, putTree(engine, weights))]),
  );
  return {
    folder,
    manifest,
    split,
    classifiers,
    weights: new Map(models.map(({ method, weights }) => [method, weights])),
    dispose: () => classifiers.forEach(({ weights }) => disposeTree(weights)),
  };
}
