import type { Dataset, DataSpec, LoadedData } from "../data/mod.ts";
import { disposeTree, type Engine, putTree } from "../engine/mod.ts";
import { type Classifier, freeze, type LoadedWeights, loadWeights } from "../models/mod.ts";
import { exists } from "./_files.ts";
import { loaded as loadedData, type Needs } from "./_loaded.ts";
import type { SavedModel } from "./evaluate_models.ts";
import { type ManifestWriter, openManifest } from "./manifest.ts";
import type { RunEvent } from "./run.ts";
import { openRunFolder, type RunFolder, runName } from "./run_folder.ts";

/** Saved networks on an engine, images, and the folder of what is found out about them. */
export interface OpenedModels {
  readonly folder: RunFolder;
  readonly manifest: ManifestWriter;
  readonly split: Dataset;
  readonly classifiers: ReadonlyMap<string, Classifier>;
  /** SHA-256 of the weights of each network. */
  readonly weights: ReadonlyMap<string, string>;
  /** Takes the networks off the engine. */
  readonly dispose: () => void;
}

/** What is done with saved networks. */
export interface OpenModelsOptions {
  readonly engine: Engine;
  /** The networks, their names checked. */
  readonly models: readonly SavedModel[];
  /** What is done, as the folder's name says it. */
  readonly noun: string;
  readonly data: DataSpec;
  /** Where data lie that are not drawn by the program. */
  readonly path: string | undefined;
  readonly seed: number;
  /** The first images of which splits are needed. */
  readonly images: Needs["images"];
  /** Chooses the images, and refuses networks that they do not fit. */
  readonly choose: (data: LoadedData, loaded: ReadonlyMap<string, LoadedWeights>) => Dataset;
  /** What is asked beside the networks, for `experiment.json`. */
  readonly asked: object;
  /** Folder; by default it is named after networks and what is asked. */
  readonly out: string | undefined;
}

/** Loads networks and images, and opens the folder. */
export async function* openModels(
  { engine, models: saved, noun, data: spec, path, seed, images, choose, asked, out }: OpenModelsOptions,
): AsyncGenerator<Extract<RunEvent, { readonly kind: "open" | "progress" | "skipped" }>, OpenedModels, void> {
  const loaded = new Map<string, LoadedWeights>();
  for (const { method, path, load } of saved) loaded.set(method, await loadWeights(path, load));
  const { data, skipped } = yield* loadedData(spec, path, { train: false, images });
  const split = choose(data, loaded);
  const models = saved.map(({ method, load = {} }) => ({
    method,
    weights: loaded.get(method)!.card.sha256,
    ...(Object.keys(load).length > 0 ? { load } : {}),
  }));
  const content = { name: [noun, ...loaded.keys()].join("-"), models, ...asked };
  const at = out ?? `runs/${await runName(content)}`;
  const resumed = await exists(`${at}/experiment.json`);
  const folder = await openRunFolder(content, at);
  const manifest = await openManifest(folder, engine, data, seed);
  for (const [name, images] of skipped) await manifest.skipped(name, images);
  for (const { method, weights } of models) await manifest.trained(method, weights);
  yield { kind: "open", folder: at, resumed };
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
