import {
  type AnalysisRow,
  type EvaluationRow,
  type NdArray,
  type Progress,
  type StepRow,
  writeFileAtomic,
} from "../core/mod.ts";
import { loadData, type LoadedData } from "../data/mod.ts";
import { disposeTree, type Engine, putTree } from "../engine/mod.ts";
import {
  cardPath,
  type Classifier,
  createModel,
  freeze,
  loadPretrained,
  loadWeights,
  type Model,
  saveWeights,
  type Weights,
} from "../models/mod.ts";
import { objectiveOf, OBJECTIVES } from "../objectives/mod.ts";
import { writeFigures, writeReport } from "../report/mod.ts";
import { decodeTrainState, encodeTrainState, train, type TrainState } from "../training/mod.ts";
import { analysed } from "./_analysed.ts";
import { evaluated, evaluationSet } from "./_evaluated.ts";
import { exists, makeFolder, removeIfExists } from "./_files.ts";
import { checkExperiment, type Experiment, type NetworkExperiment } from "./experiment.ts";
import { type ManifestWriter, openManifest } from "./manifest.ts";
import { openRunFolder, openSteps, type RunFolder, runName } from "./run_folder.ts";

/** Where and how an experiment is run. */
export interface RunOptions {
  /** What computes. */
  readonly engine: Engine;
  /** Where data lie that are not drawn by the program. */
  readonly data?: string;
  /** Folder of the run. @default {"runs/<name>-<hash>"} */
  readonly out?: string;
  /** Training steps between checkpoints: how much a kill can cost. @default {100} */
  readonly checkpointEvery?: number;
}

/** What {@linkcode run} tells while it works. */
export type RunEvent =
  /** The folder is there. */
  | { readonly kind: "open"; readonly folder: string; readonly resumed: boolean }
  /** A long step has come further. */
  | ({ readonly kind: "progress" } & Progress)
  /** A network is trained, or was found trained. */
  | { readonly kind: "trained"; readonly name: string; readonly seconds: number }
  /** A network is evaluated. */
  | { readonly kind: "evaluated"; readonly name: string; readonly rows: readonly EvaluationRow[] }
  /** A network is analysed. */
  | { readonly kind: "analysed"; readonly name: string; readonly rows: readonly AnalysisRow[] }
  | RunEndEvent<EvaluationRow>;

/** All is done. */
export interface RunEndEvent<R> {
  /** Discriminates the events. */
  readonly kind: "end";
  /** The folder. */
  readonly folder: string;
  /** Rows of its table. */
  readonly rows: readonly R[];
  /** Paths of the figures. */
  readonly figures: readonly string[];
  /** Path of the page with all of it. */
  readonly report: string;
}

/**
 * Runs an experiment into its folder: trains the teacher and the students, evaluates all of them and
 * makes the analysis that is asked for, draws the figures.
 * What the folder already has is not done again: stopped or killed at any point, the same call goes on from the last
 * checkpoint and ends with the same bits, on the same engine.
 *
 * @param experiment The experiment; it is checked first.
 * @param options Engine, data and folder.
 * @returns Events; the last one has the rows and the paths of the figures.
 * @throws {UsageError} If the experiment cannot be used.
 * @throws {DataError} If data are missing or damaged.
 * @throws {ExperimentError} If the folder is another experiment's.
 * @throws {CheckpointError} If a checkpoint in the folder is damaged.
 * @throws {DivergedError} If training diverges.
 */
export async function* run(experiment: Experiment, options: RunOptions): AsyncGenerator<RunEvent, void, void> {
  checkExperiment(experiment);
  const { engine } = options;
  yield { kind: "progress", label: "load data", done: 0, total: 1 };
  const data = await loadData(experiment.data, options.data === undefined ? {} : { path: options.data });
  const { analysis, evaluation, seed } = experiment;
  const split = evaluationSet(evaluation, data);
  const analysisSplit = analysis && evaluationSet(analysis, data, "analysis");
  const path = options.out ?? `runs/${await runName(experiment)}`;
  const resumed = await exists(`${path}/experiment.json`);
  const folder = await openRunFolder(experiment, path);
  await makeFolder(folder.file("checkpoints"));
  const manifest = await openManifest(folder, engine, data, seed);
  yield { kind: "open", folder: path, resumed };

  const networks = [experiment.teacher, ...experiment.students];
  const classifiers = new Map<string, Classifier>();
  try {
    for (const network of networks) {
      const teacher = classifiers.get(experiment.teacher.name);
      const { model, weights } = yield* trained({ network, teacher, experiment, folder, data, manifest, options });
      classifiers.set(network.name, freeze(model, putTree(engine, weights)));
    }
    const context = { seed, classifiers, folder, manifest, engine };
    const rows = yield* evaluated({ ...context, evaluation, split });
    if (analysis !== undefined && analysisSplit !== undefined) {
      yield* analysed({ ...context, analysis, split: analysisSplit, teacher: experiment.teacher.name });
    }
    const figures = await writeFigures(path);
    const report = await writeReport(path);
    await manifest.finish();
    yield { kind: "end", folder: path, rows, figures, report };
  } finally {
    for (const { weights } of classifiers.values()) disposeTree(weights);
  }
}

interface TrainingContext {
  readonly network: NetworkExperiment;
  readonly teacher: Classifier | undefined;
  readonly experiment: Experiment;
  readonly folder: RunFolder;
  readonly data: LoadedData;
  readonly manifest: ManifestWriter;
  readonly options: RunOptions;
}

interface Trained {
  readonly model: Model;
  readonly weights: Weights<NdArray>;
}

/** The network of the folder, trained from its last checkpoint on where it is not finished. */
async function* trained(context: TrainingContext): AsyncGenerator<RunEvent, Trained, void> {
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
      ...(OBJECTIVES[network.objective.kind].needsTeacher && teacher !== undefined ? { teacher } : {}),
      ...(from === undefined ? {} : { from }),
    })
  ) {
    if (event.kind === "step") {
      pending.push(event.row);
      const detail = `loss ${event.row.loss.toFixed(3)}`;
      yield { kind: "progress", label: `train ${name}`, done: event.done, total: event.total, detail };
    } else if (event.kind === "checkpoint") {
      // Rows first: rows beyond the state are dropped when the run goes on, missing ones could not be made up.
      await steps.append(pending.splice(0));
      await writeFileAtomic(statePath, encodeTrainState(event.state, folder.hash));
      const now = performance.now();
      await manifest.spent(`train ${name}`, (now - before) / 1000);
      before = now;
    } else {
      await steps.append(pending.splice(0));
      await manifest.spent(`train ${name}`, (performance.now() - before) / 1000);
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
      yield { kind: "trained", name, seconds: (performance.now() - start) / 1000 };
      return { model, weights: event.weights };
    }
  }
  throw new Error(`training of "${name}" ended without its weights`);
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
