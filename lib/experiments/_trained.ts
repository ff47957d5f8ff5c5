import { type NdArray, type StepRow, writeFileAtomic } from "../core/mod.ts";
import type { LoadedData } from "../data/mod.ts";
import {
  cardPath,
  type Classifier,
  createModel,
  loadPretrained,
  loadWeights,
  type Model,
  saveWeights,
  type Weights,
} from "../models/mod.ts";
import { objectiveOf } from "../objectives/mod.ts";
import { decodeTrainState, encodeTrainState, train, type TrainState } from "../training/mod.ts";
import { exists, removeIfExists } from "./_files.ts";
import type { Experiment, NetworkExperiment } from "./experiment.ts";
import type { ManifestWriter } from "./manifest.ts";
import type { RunEvent, RunOptions } from "./run.ts";
import { openSteps, type RunFolder } from "./run_folder.ts";

/** What a network of a run is trained from. */
export interface TrainingContext {
  readonly network: NetworkExperiment;
  readonly teacher: Classifier | undefined;
  readonly experiment: Experiment;
  readonly folder: RunFolder;
  readonly data: LoadedData;
  readonly manifest: ManifestWriter;
  readonly options: RunOptions;
}

/** A trained network. */
export interface Trained {
  readonly model: Model;
  readonly weights: Weights<NdArray>;
}

/** The network of the folder, trained from its last checkpoint on where it is not finished. */
export async function* trained(context: TrainingContext): AsyncGenerator<RunEvent, Trained, void> {
  const { network, teacher, experiment, folder, data, manifest, options: { engine, checkpointEvery = 100 } } = context;
  const { name, model: spec, pretrained, ...training } = network;
  const final = folder.file("checkpoints", `${name}.safetensors`);
  const statePath = folder.file("checkpoints", `${name}.state.safetensors`);
  // The card is written last: weights without one are of a process that was killed, and are made again.
  if (await exists(cardPath(final))) {
    const { model, weights, card } = await loadWeights(final);
    await manifest.trained(name, card.sha256);
    await removeIfExists(statePath);
    yield { kind: "trained", name, seconds: 0 };
    return { model, weights };
  }
  const from = await readState(statePath, folder.hash);
  const steps = await openSteps(
    folder,
    termsOf(experiment),
    (row) => row.method !== name || row.step < (from?.step ?? 0),
  );
  const { train: dataset } = data;
  const model = createModel(spec, { classes: dataset.classes.length, inputShape: dataset.imageShape });
  const pending: StepRow[] = [];
  const isLazy = "batches" in dataset;
  let waited = 0;
  let unsaved = 0;
  const start = performance.now();
  const initial = pretrained && await loadPretrained(pretrained.weights, { ...pretrained, model, spec });
  let before = start;
  for await (
    const event of train(engine, {
      ...training,
      name,
      model,
      dataset,
      // Students share first weights and data order with each other, not with the teacher.
      seed: network === experiment.teacher ? experiment.seed : experiment.seed + 1,
      checkpointEvery,
      ...(initial === undefined ? {} : { initial: initial.weights }),
      ...(teacher === undefined || network === experiment.teacher ? {} : { teacher }),
      ...(from === undefined ? {} : { from }),
    })
  ) {
    if (event.kind === "step") {
      pending.push(event.row);
      waited += event.waited;
      unsaved += event.waited;
      const idle = isLazy ? `, ${percent(waited, start)} waiting for images` : "";
      const detail = `loss ${event.row.loss.toFixed(3)}${idle}`;
      const images = await manifest.skipped(dataset.name, event.skipped);
      if (images.length > 0) yield { kind: "skipped", name: dataset.name, images };
      yield { kind: "progress", label: `train ${name}`, done: event.done, total: event.total, detail };
    } else if (event.kind === "checkpoint") {
      // Rows first: rows beyond the state are dropped when the run goes on, missing ones could not be made up.
      await steps.append(pending.splice(0));
      await writeFileAtomic(statePath, encodeTrainState(event.state, folder.hash));
      const now = performance.now();
      await manifest.spent(`train ${name}`, (now - before) / 1000);
      if (isLazy) await manifest.waited(name, unsaved);
      before = now;
      unsaved = 0;
    } else if (event.kind === "end") {
      await steps.append(pending.splice(0));
      await manifest.spent(`train ${name}`, (performance.now() - before) / 1000);
      if (isLazy) await manifest.waited(name, unsaved);
      const provenance = {
        experiment: experiment.name,
        hash: folder.hash,
        data: experiment.data,
        ...(initial === undefined ? {} : { pretrained: { ...pretrained, sha256: initial.sha256 } }),
        objective: network.objective,
        epochs: network.epochs,
        seed: experiment.seed,
        engine: `${engine.name} (${engine.version}): ${engine.device}`,
      };
      const content = { model: spec, classes: dataset.classes, inputShape: dataset.imageShape, provenance };
      const card = await saveWeights(final, event.weights, content);
      await manifest.trained(name, card.sha256);
      await removeIfExists(statePath);
      const seconds = (performance.now() - start) / 1000;
      yield { kind: "trained", name, seconds, ...(isLazy ? { waited } : {}) };
      return { model, weights: event.weights };
    }
  }
  throw new Error(`training of "${name}" ended without its weights`);
}

/** Share of the time since then. */
function percent(seconds: number, since: number): string {
  return `${Math.round(100_000 * seconds / (performance.now() - since))} %`;
}

/** Names of the terms of all networks, each once. */
function termsOf({ teacher, students }: Experiment): string[] {
  return [...new Set([teacher, ...students].flatMap(({ objective }) => objectiveOf(objective).termNames(objective)))];
}

async function readState(path: string, hash: string): Promise<TrainState | undefined> {
  try {
    return decodeTrainState(await Deno.readFile(path), hash, path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
