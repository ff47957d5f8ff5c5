import type { AttackSpec } from "../attacks/mod.ts";
import { UsageError } from "../core/mod.ts";
import type { AugmentSpec, DataSpec } from "../data/mod.ts";
import { createModel, type ModelSpec } from "../models/mod.ts";
import { objectiveOf, type ObjectiveSpec } from "../objectives/mod.ts";
import { type BatchNormUpdates, learningRate, type OptimizerSpec, type ScheduleSpec } from "../training/mod.ts";
import type { LocalLinearitySpec } from "../evaluation/mod.ts";
import { eps } from "./_schema_fields.ts";
import { ATTACK_CHECKS, batchNorms } from "./_schema_attacks.ts";
import { DATA_CHECKS, DATA_SHAPES } from "./_schema_data.ts";
import { MODEL_CHECKS } from "./_schema_models.ts";
import { OBJECTIVE_CHECKS } from "./_schema_objectives.ts";
import { OPTIMIZER_CHECKS, SCHEDULE_CHECKS } from "./_schema_training.ts";
import { checkAnalysis } from "./_check_analysis.ts";
import { checkEvaluation } from "./_check_evaluation.ts";
import { checkWatches, WATCH_CHECK } from "./_check_watches.ts";
import { type Fields, flag, integer, list, number, object, oneOf, optional, text, union } from "./schema.ts";
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

/** One declared experiment: a teacher, its students, their evaluation and analysis. Plain JSON. */
export interface Experiment {
  /** Name of the run folder, lower case. */
  readonly name: string;
  /** Names every random stream. */
  readonly seed: number;
  /** Images. */
  readonly data: DataSpec;
  /** The teacher, trained first. */
  readonly teacher: NetworkExperiment;
  /** Students, trained in this order. */
  readonly students: readonly NetworkExperiment[];
  /** How all of them are evaluated. */
  readonly evaluation: EvaluationSpec;
  /** How all of them are analysed, the students against the teacher. @default {not at all} */
  readonly analysis?: AnalysisSpec;
}

const network: Fields<NetworkExperiment> = {
  name: text(/^[a-z0-9][a-z0-9.-]*$/, "a name of lower-case letters, digits, dots and hyphens"),
  model: union(MODEL_CHECKS),
  objective: union(OBJECTIVE_CHECKS),
  optimizer: union(OPTIMIZER_CHECKS),
  schedule: union(SCHEDULE_CHECKS),
  pretrained: optional(object<PretrainedSpec>({
    weights: text(/./, "the path of a weights file"),
    sha256: optional(text(/^[0-9a-f]{64}$/, "64 hexadecimal digits")),
    fresh: optional(list(text())),
  })),
  epochs: integer(0),
  batchSize: integer(),
  augment: optional(object<AugmentSpec>({ pad: integer(0), flip: flag })),
  batchNormUpdates: optional(oneOf("first", "every")),
  watch: optional(WATCH_CHECK),
};
const experiment = object<Experiment>({
  name: text(/^[a-z0-9][a-z0-9.-]*$/, "a name of lower-case letters, digits, dots and hyphens"),
  seed: integer(0),
  data: union(DATA_CHECKS),
  teacher: object<NetworkExperiment>(network),
  students: list(object<NetworkExperiment>(network)),
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
  const { data: dataSpec, teacher, students, evaluation, analysis } = value as Experiment;
  const names = [teacher, ...students].map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) {
    throw new UsageError(`Cannot use the experiment as two networks are named "${twice}": rename one`);
  }
  if (objectiveOf(teacher.objective).needs(teacher.objective).length > 0) {
    throw new UsageError(
      `Cannot use the experiment as "teacher.objective.kind" is "${teacher.objective.kind}", which needs a teacher itself: ` +
        'use "natural" or "adversarial"',
    );
  }
  const shapeOf = DATA_SHAPES[dataSpec.kind] as (spec: DataSpec) => ReturnType<typeof DATA_SHAPES["shapes"]>;
  for (const each of [teacher, ...students]) {
    createModel(each.model, shapeOf(dataSpec));
    objectiveOf(each.objective);
    learningRate(each.schedule, 0, Math.max(1, each.epochs));
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
  checkWatches(value as Experiment);
  checkEvaluation(evaluation);
  if (analysis !== undefined) checkAnalysis(analysis);
  return value as Experiment;
}
