import type { AlarmAction, AnalysisRow, EpochRow, EvaluationRow, Progress } from "../core/mod.ts";
import type { SkippedImage } from "../data/mod.ts";
import { disposeTree, type Engine, putTree } from "../engine/mod.ts";
import { type Classifier, freeze } from "../models/mod.ts";
import { writeFigures, writeReport } from "../report/mod.ts";
import { analysed } from "./_analysed.ts";
import { evaluated, evaluationSet } from "./_evaluated.ts";
import { exists, makeFolder } from "./_files.ts";
import { loaded } from "./_loaded.ts";
import { trained } from "./_trained.ts";
import { selectedName, watchSet } from "./_watched.ts";
import { checkExperiment, type Experiment } from "./experiment.ts";
import { openManifest } from "./manifest.ts";
import { openRunFolder, runName } from "./run_folder.ts";

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
  /** Damaged files of a data set were left out; each is told once. */
  | { readonly kind: "skipped"; readonly name: string; readonly images: readonly SkippedImage[] }
  /**
   * A network is trained, or was found trained. `waited` are the seconds in which nothing was done but wait for images,
   * where they are decoded while they are used.
   */
  | { readonly kind: "trained"; readonly name: string; readonly seconds: number; readonly waited?: number }
  /** A network that is being trained was looked at after an epoch. */
  | { readonly kind: "watched"; readonly row: EpochRow }
  /** Its accuracy under the attack of the watch has broken down, from its best so far; what is done about it. */
  | { readonly kind: "alarm"; readonly row: EpochRow; readonly best: number; readonly action: AlarmAction }
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
  const { analysis, evaluation, seed } = experiment;
  const networks = [experiment.teacher, ...experiment.students];
  const { data, skipped } = yield* loaded(experiment.data, options.data, {
    train: networks.some(({ epochs }) => epochs > 0),
    images: [
      evaluation,
      ...(analysis === undefined ? [] : [analysis]),
      ...networks.flatMap(({ watch }) => watch === undefined ? [] : [{ split: "validation" as const, n: watch.n }]),
    ],
  });
  const split = evaluationSet(evaluation, data);
  const analysisSplit = analysis && evaluationSet(analysis, data, "analysis");
  for (const { watch } of networks) if (watch !== undefined) watchSet(watch, data);
  const path = options.out ?? `runs/${await runName(experiment)}`;
  const resumed = await exists(`${path}/experiment.json`);
  const folder = await openRunFolder(experiment, path);
  await makeFolder(folder.file("checkpoints"));
  const manifest = await openManifest(folder, engine, data, seed);
  for (const [name, images] of skipped) await manifest.skipped(name, images);
  yield { kind: "open", folder: path, resumed };

  const classifiers = new Map<string, Classifier>();
  try {
    let teacherName: string | undefined;
    for (const network of networks) {
      const teacher = teacherName === undefined ? undefined : classifiers.get(teacherName);
      const found = yield* trained({ network, teacher, experiment, folder, data, manifest, options });
      for (const [name, weights] of found.weights) classifiers.set(name, freeze(found.model, putTree(engine, weights)));
      teacherName ??= found.selected;
    }
    const context = { seed, classifiers, folder, manifest, engine };
    const rows = yield* evaluated({ ...context, evaluation, split });
    if (analysis !== undefined && analysisSplit !== undefined) {
      yield* analysed({ ...context, analysis, split: analysisSplit, teacher: selectedName(experiment.teacher) });
    }
    const figures = await writeFigures(path);
    const report = await writeReport(path);
    await manifest.finish();
    yield { kind: "end", folder: path, rows, figures, report };
  } finally {
    for (const { weights } of classifiers.values()) disposeTree(weights);
  }
}
