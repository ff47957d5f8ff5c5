import type { AttackSpec } from "../attacks/mod.ts";
import { UsageError } from "../core/mod.ts";
import {
  type AugmentSpec,
  checkMix,
  checkSmoothing,
  type DataSpec,
  type MixSpec,
  type RandAugmentSpec,
} from "../data/mod.ts";
import { createModel, type ModelSpec } from "../models/mod.ts";
import { objectiveOf, type ObjectiveSpec, type TeacherRole } from "../objectives/mod.ts";
import {
  type AverageSpec,
  type BatchNormUpdates,
  checkAverage,
  checkWeightPerturbation,
  learningRate,
  type OptimizerSpec,
  type ScheduleSpec,
  type WeightPerturbationSpec,
} from "../training/mod.ts";
import type { LocalLinearitySpec } from "../evaluation/mod.ts";
import { eps } from "./_schema_fields.ts";
import { ATTACK_CHECKS, batchNorms } from "./_schema_attacks.ts";
import { DATA_CHECKS, DATA_SHAPES } from "./_schema_data.ts";
import { MODEL_CHECKS } from "./_schema_models.ts";
import { OBJECTIVE_CHECKS } from "./_schema_objectives.ts";
import { AVERAGE_CHECKS, OPTIMIZER_CHECKS, SCHEDULE_CHECKS } from "./_schema_training.ts";
import { checkAnalysis } from "./_check_analysis.ts";
import { checkEvaluation } from "./_check_evaluation.ts";
import { checkWatches, WATCH_CHECK } from "./_check_watches.ts";
import {
  type BorrowedTeacher,
  isTrained,
  networksOf,
  presetOf,
  type SavedTeacher,
  TEACHER_ROLES,
  teacherName,
  type TeacherSpec,
} from "./teacher.ts";
import { type Check, flag, integer, list, number, object, oneOf, optional, text, union } from "./schema.ts";
import type { WatchSpec } from "./watch.ts";

/** A network of an experiment, and how it is trained. */
export interface NetworkExperiment {
  /** Name in rows and figures: "teacher", "natural", "kd", "kdiga", ... */
  readonly name: string;
  /** The network. */
  readonly model: ModelSpec;
  /** What it is trained for. */
  readonly objective: ObjectiveSpec;
  /** How it is updated. */
  readonly optimizer: OptimizerSpec;
  /** Learning rate of each step. */
  readonly schedule: ScheduleSpec;
  /** Weights to begin with, in place of random ones. @default {none} */
  readonly pretrained?: PretrainedSpec;
  /** Passes over the training images; 0 takes pretrained weights as they are. */
  readonly epochs: number;
  /** Images per step. */
  readonly batchSize: number;
  /** Random changes of the training images. @default {none} */
  readonly augment?: AugmentSpec;
  /** Mixes the images of a training batch, and their labels. @default {none} */
  readonly mix?: MixSpec;
  /** Share of every training label that is spread evenly over all classes. @default {0} */
  readonly labelSmoothing?: number;
  /** Takes the gradient at weights that a step uphill has moved. @default {none} */
  readonly weightPerturbation?: WeightPerturbationSpec;
  /** Keeps an average of the weights. @default {none} */
  readonly average?: AverageSpec;
  /** Which forward passes of a step move batch norm's running statistics. @default {"first"} */
  readonly batchNormUpdates?: BatchNormUpdates;
  /** How it is watched while it is trained, on validation images. @default {not at all} */
  readonly watch?: WatchSpec;
}

/** Weights that were trained before. */
export interface PretrainedSpec {
  /** Path of a safetensors file with PyTorch's names; where it has a card, it must be of the same kind of network. */
  readonly weights: string;
  /** SHA-256 of the file, hexadecimal; another file is refused. @default {any file} */
  readonly sha256?: string;
  /** Globs of weights that begin new in place of the file's, as a head for other classes: ["fc.*"]. @default {none} */
  readonly fresh?: readonly string[];
}

/** How the networks of an experiment are evaluated. */
export interface EvaluationSpec {
  /** Images to evaluate on; "validation" for choices, "test" for results. @default {"test"} */
  readonly split?: "test" | "validation";
  /** The first n images of the split. */
  readonly n: number;
  /** Images per batch; changes the time it takes, not the rows. */
  readonly batchSize: number;
  /** Attacks, each at every radius. */
  readonly attacks: readonly AttackSpec[];
  /** Radii in pixel units: "8/255". */
  readonly eps: readonly string[];
  /** A part of the images, "1/3": each third one from the first; the parts' rows are merged. @default {all} */
  readonly shard?: string;
}

/** How the networks of an experiment are analysed: the paper's quantities over the radius, see {@linkcode analyze}. */
export interface AnalysisSpec {
  /** Images to analyse on. @default {"test"} */
  readonly split?: "test" | "validation";
  /** The first n images of the split; the paper takes 1,000. */
  readonly n: number;
  /** Images per batch; changes the time it takes, and the rows by no more than an engine's rounding. */
  readonly batchSize: number;
  /** Radii in pixel units; "0" is the image itself. */
  readonly eps: readonly string[];
  /** How the images are made that losses and gradients are taken at. @default {PGD of 10 steps} */
  readonly attack?: AttackSpec;
  /** How local linearity is measured. */
  readonly linearity?: LocalLinearitySpec;
}

/** One declared experiment: teachers, their students, their evaluation and analysis. Plain JSON. */
export interface Experiment {
  /** Name of the run folder, lower case. */
  readonly name: string;
  /** Names every random stream. */
  readonly seed: number;
  /** Images. */
  readonly data: DataSpec;
  /** The teacher; where it is trained in this run, it is trained first. @default {none: no student needs one} */
  readonly teacher?: TeacherSpec;
  /** A second teacher, trained on clean images, for the objectives that need one. @default {none} */
  readonly naturalTeacher?: TeacherSpec;
  /** Students, trained in this order. */
  readonly students: readonly NetworkExperiment[];
  /** How what is trained here is evaluated. */
  readonly evaluation: EvaluationSpec;
  /** How what is trained here is analysed, against the teacher. @default {not at all} */
  readonly analysis?: AnalysisSpec;
}

const name = text(/^[a-z0-9][a-z0-9.-]*$/, "a name of lower-case letters, digits, dots and hyphens");
const sha256 = optional(text(/^[0-9a-f]{64}$/, "64 hexadecimal digits"));
const network = object<NetworkExperiment>({
  name,
  model: union(MODEL_CHECKS),
  objective: union(OBJECTIVE_CHECKS),
  optimizer: union(OPTIMIZER_CHECKS),
  schedule: union(SCHEDULE_CHECKS),
  pretrained: optional(object<PretrainedSpec>({
    weights: text(/./, "the path of a weights file"),
    sha256,
    fresh: optional(list(text())),
  })),
  epochs: integer(0),
  batchSize: integer(),
  augment: optional(object<AugmentSpec>({
    pad: integer(0),
    flip: flag,
    randAugment: optional(object<RandAugmentSpec>({ n: optional(integer()), magnitude: optional(integer(0, 30)) })),
  })),
  mix: optional(object<MixSpec>({ kind: oneOf("mixup", "cutmix"), alpha: number(0) })),
  labelSmoothing: optional(number(0, 1)),
  weightPerturbation: optional(object<WeightPerturbationSpec>({ gamma: number(0), from: optional(number(0, 1)) })),
  average: optional(union(AVERAGE_CHECKS)),
  batchNormUpdates: optional(oneOf("first", "every")),
  watch: optional(WATCH_CHECK),
});
const given = { name: optional(name), evaluate: optional(flag) };
const saved = object<SavedTeacher>({ ...given, checkpoint: text(/./, "the path of a weights file"), sha256 });
const borrowed = object<BorrowedTeacher>({
  ...given,
  experiment: (value, path) => {
    if (typeof value === "string") presetOf(value, path);
    else experiment(value, path);
  },
  network: text(),
});
const teacher: Check = (value, path) => {
  const keys = Object.keys(value ?? {});
  (keys.includes("checkpoint") ? saved : keys.includes("experiment") ? borrowed : network)(value, path);
};
const experiment: Check = object<Experiment>({
  name,
  seed: integer(0),
  data: union(DATA_CHECKS),
  teacher: optional(teacher),
  naturalTeacher: optional(teacher),
  students: list(network),
  evaluation: object<EvaluationSpec>({
    split: optional(oneOf("test", "validation")),
    n: integer(),
    batchSize: integer(),
    attacks: list(union(ATTACK_CHECKS)),
    eps: list(eps),
    shard: optional(text(/^[1-9]\d*\/[1-9]\d*$/, 'a part such as "1/3"')),
  }),
  analysis: optional(object<AnalysisSpec>({
    split: optional(oneOf("test", "validation")),
    n: integer(2),
    batchSize: integer(),
    eps: list(eps),
    attack: optional(union(ATTACK_CHECKS)),
    linearity: optional(object<LocalLinearitySpec>({
      norm: batchNorms,
      steps: optional(integer()),
      relativeStepSize: optional(number(0)),
      stepSize: optional(number(0)),
      starts: optional(integer()),
      signed: optional(flag),
      keep: optional(oneOf("best", "last")),
    })),
  })),
});

/**
 * Checks what came from JSON: every key known, every value of its kind, and everything that can be known to fail later.
 *
 * @param value What was parsed.
 * @returns The same value, as an experiment.
 * @throws {UsageError} With the full path of what is wrong, and what it must be or which keys are known.
 */
export function checkExperiment(value: unknown): Experiment {
  experiment(value, "");
  checkMeaning(value as Experiment, "");
  return value as Experiment;
}

/** What the shape alone does not say; `at` is the path of the experiment inside another one: "teacher.experiment.". */
function checkMeaning(experiment: Experiment, at: string): void {
  const { data: dataSpec, students, evaluation, analysis } = experiment;
  const teachers = TEACHER_ROLES.flatMap((role) => {
    const spec = experiment[role];
    return spec === undefined ? [] : [{ role, spec }];
  });
  const names = [...teachers.map(({ role, spec }) => teacherName(role, spec)), ...students.map(({ name }) => name)];
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) {
    throw new UsageError(`Cannot use the experiment as two networks are named "${twice}": rename one`);
  }
  for (const { role, spec } of teachers) {
    if ("experiment" in spec) checkBorrowed(experiment, spec, `${at}${role}`);
    else if (isTrained(spec) && objectiveOf(spec.objective).needs(spec.objective).length > 0) {
      throw new UsageError(
        `Cannot use the experiment as "${at}${role}.objective.kind" is "${spec.objective.kind}", which needs a teacher itself: ` +
          'use "natural" or "adversarial"',
      );
    }
  }
  students.forEach(({ objective }, i) => {
    const missing = objectiveOf(objective).needs(objective).find((role) => experiment[role] === undefined);
    if (missing === undefined) return;
    throw new UsageError(
      `Cannot use the experiment as "${at}students.${i}.objective.kind" is "${objective.kind}", which needs ${
        WHAT[missing]
      }: write "${at}${missing}"`,
    );
  });
  for (const each of networksOf(experiment)) {
    createModel(each.model, shapeOf(dataSpec));
    objectiveOf(each.objective);
    learningRate(each.schedule, 0, Math.max(1, each.epochs));
    if (each.mix !== undefined) checkMix(each.mix);
    checkSmoothing(each.labelSmoothing ?? 0);
    checkWeightPerturbation(each.weightPerturbation);
    checkAverage(each.average, 0, 1);
    if (each.epochs > 0 && (dataSpec.kind === "cifar10c" || dataSpec.kind === "cifar100c")) {
      const { kind } = dataSpec;
      throw new UsageError(
        `Cannot train "${each.name}" on "${kind}" as it has test images alone: evaluate with it, and train on ` +
          `"${kind.slice(0, -1)}"`,
      );
    }
    if (each.epochs > 0 && "trainCount" in dataSpec && dataSpec.trainCount === 0) {
      throw new UsageError(
        `Cannot train "${each.name}" as "data.trainCount" is 0: leave it out for all images, or write a number`,
      );
    }
    if (each.epochs > 0 || each.pretrained !== undefined) continue;
    throw new UsageError(
      `Cannot use the experiment as "${each.name}" has 0 epochs and no pretrained weights: give it one of them`,
    );
  }
  checkWatches(experiment);
  checkEvaluation(evaluation);
  if (analysis !== undefined) checkAnalysis(analysis);
}

const WHAT: { readonly [K in TeacherRole]: string } = {
  teacher: "a teacher",
  naturalTeacher: "a teacher that was trained on clean images",
};

function shapeOf(spec: DataSpec): ReturnType<typeof DATA_SHAPES["shapes"]> {
  return (DATA_SHAPES[spec.kind] as (spec: DataSpec) => ReturnType<typeof DATA_SHAPES["shapes"]>)(spec);
}

/** Checks the experiment that a teacher comes from, and that the teacher is in it and fits. */
function checkBorrowed(experiment: Experiment, { experiment: from, network }: BorrowedTeacher, path: string): void {
  const origin = typeof from === "string" ? presetOf(from, `${path}.experiment`) : from;
  checkMeaning(origin, `${path}.experiment.`);
  const known = networksOf(origin).map(({ name }) => name);
  if (!known.includes(network)) {
    throw new UsageError(
      `Cannot use the experiment as "${path}.network" is "${network}": it must be one that "${origin.name}" trains, ` +
        known.join(", "),
    );
  }
  const [ours, theirs] = [experiment, origin].map(({ data }) => {
    const { inputShape, classes } = shapeOf(data);
    return `images [${inputShape.join(", ")}] of ${classes} classes`;
  });
  if (ours === theirs) return;
  throw new UsageError(
    `Cannot use the experiment as "${path}.experiment.data" has ${theirs} where "data" has ${ours}: take data that fit`,
  );
}
