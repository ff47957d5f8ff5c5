import type { AlarmAction, AnalysisRow, CostRow, EpochRow, EvaluationRow, NdArray, Progress } from "../core/mod.ts";
import type { Dataset, SkippedImage } from "../data/mod.ts";
import { disposeTree, type Engine, putTree } from "../engine/mod.ts";
import { type Classifier, freeze, type Model, type Weights } from "../models/mod.ts";
import type { TeacherRole } from "../objectives/mod.ts";
import { SCREEN_ENDINGS, writeFigures, writeReport } from "../report/mod.ts";
import { analysed } from "./_analysed.ts";
import { evaluated, evaluationSet } from "./_evaluated.ts";
import { costs } from "./_costs.ts";
import { endEvent } from "./_end_event.ts";
import { exists, makeFolder } from "./_files.ts";
import { type GivenTeacher, givenTeachers } from "./_given_teachers.ts";
import { type Loaded, loaded } from "./_loaded.ts";
import { lockFolder } from "./_lock_folder.ts";
import { type Trained, trained } from "./_trained.ts";
import { watchSet } from "./_watched.ts";
import { checkExperiment, type Experiment } from "./experiment.ts";
import { openManifest } from "./manifest.ts";
import { openRunFolder, runName } from "./run_folder.ts";
import { isTrained, networksOf, resolveExperiment, TEACHER_ROLES, teacherName } from "./teacher.ts";

/** Where and how an experiment is run. */
export interface RunOptions {
  /** What computes. */
  readonly engine: Engine;
  /** Where data lie that are not drawn by the program. */
  readonly data?: string;
  /** Folder of the run. @default {"<runs>/<name>-<hash>"} */
  readonly out?: string;
  /** Where runs lie, those that make teachers of other experiments too. @default {"runs"} */
  readonly runs?: string;
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
  /** What training each network cost is known. */
  | { readonly kind: "costs"; readonly rows: readonly CostRow[] }
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
 * makes the analysis that is asked for, draws the figures. A teacher that another experiment makes is taken from that
 * one's folder, which is made first where it is not finished; processes that want the same folder wait for each other.
 * What the folder already has is not done again: stopped or killed at any point, the same call goes on from the last
 * checkpoint and ends with the same bits, on the same engine.
 *
 * @param asked The experiment; it is checked first.
 * @param options Engine, data and folder.
 * @returns Events; the last one has the rows and the paths of the figures.
 * @throws {UsageError} If the experiment cannot be used.
 * @throws {DataError} If data are missing or damaged.
 * @throws {ExperimentError} If the folder is another experiment's, or began with another teacher.
 * @throws {ChecksumError} If a teacher's weights are not those that were promised.
 * @throws {CheckpointError} If a checkpoint in the folder is damaged.
 * @throws {DivergedError} If training diverges.
 */
export async function* run(asked: Experiment, options: RunOptions): AsyncGenerator<RunEvent, void, void> {
  const experiment = resolveExperiment(checkExperiment(asked));
  const path = options.out ?? `${options.runs ?? "runs"}/${await runName(experiment)}`;
  const given = yield* givenTeachers(experiment, options, run);
  const { analysis, evaluation } = experiment;
  const watches = networksOf(experiment).flatMap(({ watch }) => watch ?? []);
  const { data, skipped } = yield* loaded(experiment.data, options.data, {
    train: networksOf(experiment).some(({ epochs }) => epochs > 0),
    images: [
      evaluation,
      ...(analysis === undefined ? [] : [analysis]),
      ...watches.map(({ n }) => ({ split: "validation" as const, n })),
    ],
  });
  const split = evaluationSet(evaluation, data);
  const analysisSplit = analysis && evaluationSet(analysis, data, "analysis");
  for (const watch of watches) watchSet(watch, data);
  const resumed = await exists(`${path}/experiment.json`);
  const release = yield* lockFolder(path);
  try {
    yield* inFolder({ resumed, experiment, path, given, data, skipped, split, analysisSplit, options });
  } finally {
    await release();
  }
}

/** What is ready before the folder is touched. */
interface Ready extends Loaded {
  readonly resumed: boolean;
  readonly experiment: Experiment;
  readonly path: string;
  readonly given: ReadonlyMap<TeacherRole, GivenTeacher>;
  readonly split: Dataset;
  readonly analysisSplit: Dataset | undefined;
  readonly options: RunOptions;
}

async function* inFolder(
  { resumed, experiment, path, given, data, skipped, split, analysisSplit, options }: Ready,
): AsyncGenerator<RunEvent, void, void> {
  const { analysis, evaluation, seed, students } = experiment;
  const { engine } = options;
  const folder = await openRunFolder(experiment, path);
  await makeFolder(folder.file("checkpoints"));
  const manifest = await openManifest(folder, engine, data, seed);
  for (const [name, images] of skipped) await manifest.skipped(name, images);
  for (const [role, { origin }] of given) await manifest.taught(role, origin);
  yield { kind: "open", folder: path, resumed };

  const onEngine: Classifier[] = [];
  const put = (model: Model, weights: Weights<NdArray>): Classifier => {
    const classifier = freeze(model, putTree(engine, weights));
    onEngine.push(classifier);
    return classifier;
  };
  const teachers: { [K in TeacherRole]?: Classifier } = {};
  // What is evaluated.
  const classifiers = new Map<string, Classifier>();
  /** All weights of a network; what it hands on. */
  const putAll = ({ model, weights, selected }: Trained): Classifier => {
    for (const [name, each] of weights) classifiers.set(name, put(model, each));
    return classifiers.get(selected)!;
  };
  const training = { experiment, folder, data, manifest, options };
  try {
    for (const role of TEACHER_ROLES) {
      const spec = experiment[role];
      if (spec === undefined) continue;
      if (isTrained(spec)) {
        teachers[role] = putAll(yield* trained({ ...training, network: spec, teachers: {} }));
        continue;
      }
      const { model, weights } = given.get(role)!.loaded;
      const classifier = put(model, weights);
      teachers[role] = classifier;
      if (spec.evaluate === true) classifiers.set(teacherName(role, spec), classifier);
    }
    for (const network of students) {
      putAll(yield* trained({ ...training, network, teachers }));
    }
    const context = { seed, classifiers, folder, manifest, engine };
    const rows = yield* evaluated({ ...context, evaluation, split });
    if (analysis !== undefined && analysisSplit !== undefined) {
      const { teacher } = teachers;
      yield* analysed({ ...context, analysis, split: analysisSplit, ...(teacher === undefined ? {} : { teacher }) });
    }
    yield { kind: "costs", rows: await costs({ experiment, data, manifest, folder }) };
    const figures = await writeFigures(path, SCREEN_ENDINGS);
    const report = await writeReport(path);
    await manifest.finish();
    yield endEvent({ folder: path, rows, figures, report });
  } finally {
    for (const { weights } of onEngine) disposeTree(weights);
  }
}
