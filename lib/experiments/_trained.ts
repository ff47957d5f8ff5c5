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
import { objectiveOf, type TeacherRole } from "../objectives/mod.ts";
import { decodeTrainState, encodeTrainState, train, type TrainState } from "../training/mod.ts";
import { exists, removeIfExists } from "./_files.ts";
import type { Experiment, NetworkExperiment } from "./experiment.ts";
import type { ManifestWriter } from "./manifest.ts";
import type { RunEvent, RunOptions } from "./run.ts";
import { openSteps, type RunFolder } from "./run_folder.ts";
import { networksOf } from "./teacher.ts";
import { type Ending, openWatch } from "./_watched.ts";
import { bestName, selectedName } from "./watch.ts";

/** What a network of a run is trained from. */
export interface TrainingContext {
  readonly network: NetworkExperiment;
  readonly teachers: { readonly [K in TeacherRole]?: Classifier };
  readonly experiment: Experiment;
  readonly folder: RunFolder;
  readonly data: LoadedData;
  readonly manifest: ManifestWriter;
  readonly options: RunOptions;
}

/** A trained network. */
export interface Trained {
  readonly model: Model;
  /** Its weights by their names in rows: the last, and where it was watched the best. */
  readonly weights: ReadonlyMap<string, Weights<NdArray>>;
  /** Name of those that are handed on. */
  readonly selected: string;
}

/** The network of the folder, trained from its last checkpoint on where it is not finished. */
export async function* trained(context: TrainingContext): AsyncGenerator<RunEvent, Trained, void> {
  const { network, teachers, experiment, folder, data, manifest, options: { engine, checkpointEvery = 100 } } = context;
  const { name, model: spec, pretrained, watch: watchSpec, ...training } = network;
  const pathOf = (of: string) => folder.file("checkpoints", `${of}.safetensors`);
  const final = pathOf(name);
  const selected = selectedName(network);
  const statePath = folder.file("checkpoints", `${name}.state.safetensors`);
  const goodPath = folder.file("checkpoints", `${name}.good.safetensors`);
  const { train: dataset } = data;
  const model = createModel(spec, { classes: dataset.classes.length, inputShape: dataset.imageShape });
  const cardOf = (more: Readonly<Record<string, unknown>>) => ({
    model: spec,
    classes: dataset.classes,
    inputShape: dataset.imageShape,
    provenance: {
      experiment: experiment.name,
      hash: folder.hash,
      data: experiment.data,
      objective: network.objective,
      epochs: network.epochs,
      seed: experiment.seed,
      engine: `${engine.name} (${engine.version}): ${engine.device}`,
      ...(training.average === undefined ? {} : { average: training.average }),
      ...more,
    },
  });
  const removeUnfinished = async () => {
    for (const path of [statePath, goodPath]) await removeIfExists(path);
  };
  const loadSaved = async (): Promise<Trained> => {
    const weights = new Map<string, Weights<NdArray>>();
    for (const of of watchSpec === undefined ? [name] : [name, bestName(name)]) {
      const { weights: loaded, card } = await loadWeights(pathOf(of));
      await manifest.trained(of, card.sha256);
      weights.set(of, loaded);
    }
    return { model, weights, selected };
  };
  // The card is written last: weights without one are of a process that was killed, and are made again.
  if (await exists(cardPath(final))) {
    const found = await loadSaved();
    await removeUnfinished();
    yield { kind: "trained", name, seconds: 0 };
    return found;
  }
  const from = await readState(statePath, folder.hash);
  const steps = await openSteps(
    folder,
    termsOf(experiment),
    (row) => row.method !== name || row.step < (from?.step ?? 0),
  );
  const pending: StepRow[] = [];
  const isLazy = "batches" in dataset;
  let waited = 0;
  let unsaved = 0;
  const start = performance.now();
  const initial = pretrained && await loadPretrained(pretrained.weights, { ...pretrained, model, spec });
  const source = initial === undefined ? {} : { pretrained: { ...pretrained, sha256: initial.sha256 } };
  const watch = watchSpec && await openWatch({
    network,
    watch: watchSpec,
    teacher: experiment.students.includes(network) ? teachers.teacher : undefined,
    seed: experiment.seed,
    folder,
    data,
    manifest,
    options: context.options,
    from: from?.step ?? 0,
    goodPath,
    save: (of, weights, more) => saveWeights(pathOf(of), weights, cardOf({ ...source, ...more })),
  });
  let before = start;
  const finish = async (weights: Weights<NdArray>, ending?: Ending, others?: Weights<NdArray>) => {
    await steps.append(pending.splice(0));
    await manifest.spent(`train ${name}`, (performance.now() - before) / 1000);
    if (isLazy) await manifest.waited(name, unsaved);
    await watch?.end(ending);
    const more = ending && { ended: { epoch: ending.epoch, alarmAt: ending.alarmAt, action: ending.action } };
    if (others !== undefined) {
      const which = training.average?.weights === "last" ? "average" : "last";
      await saveWeights(pathOf(`${name}.${which}`), others, cardOf({ ...source, ...more }));
    }
    await saveWeights(final, weights, cardOf({ ...source, ...more }));
    const saved = await loadSaved();
    await removeUnfinished();
    return saved;
  };
  const spent = () => ({ seconds: (performance.now() - start) / 1000, ...(isLazy ? { waited } : {}) });
  for await (
    const event of train(engine, {
      ...training,
      name,
      model,
      dataset,
      // Students share first weights and data order with each other, not with the teacher.
      seed: experiment.students.includes(network) ? experiment.seed + 1 : experiment.seed,
      checkpointEvery,
      ...(initial === undefined ? {} : { initial: initial.weights }),
      ...(experiment.students.includes(network) ? teachers : {}),
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
    } else if (event.kind === "epoch") {
      if (watch === undefined) continue;
      const looked = performance.now();
      const ending = yield* watch.look(event);
      before += performance.now() - looked;
      if (ending === undefined) continue;
      const found = await finish(ending.weights, ending);
      yield { kind: "trained", name, ...spent() };
      return found;
    } else {
      const found = await finish(event.weights, undefined, event.others);
      yield { kind: "trained", name, ...spent() };
      return found;
    }
  }
  throw new Error(`training of "${name}" ended without its weights`);
}

/** Share of the time since then. */
function percent(seconds: number, since: number): string {
  return `${Math.round(100_000 * seconds / (performance.now() - since))} %`;
}

/** Names of the terms of all networks, each once. */
function termsOf(experiment: Experiment): string[] {
  const terms = networksOf(experiment).flatMap(({ objective }) => objectiveOf(objective).termNames(objective));
  return [...new Set(terms)];
}

async function readState(path: string, hash: string): Promise<TrainState | undefined> {
  try {
    return decodeTrainState(await Deno.readFile(path), hash, path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
