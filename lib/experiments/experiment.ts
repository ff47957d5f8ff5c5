import type {
  ApgdSpec,
  AttackSpec,
  AutoAttackSpec,
  DdnSpec,
  FabSpec,
  FgsmSpec,
  PgdSpec,
  SquareSpec,
} from "../attacks/mod.ts";
import { UsageError } from "../core/mod.ts";
import type {
  AugmentSpec,
  Cifar100Spec,
  Cifar10CSpec,
  Cifar10Spec,
  DataSpec,
  ImagenetSpec,
  ShapesParameters,
  ShapesSpec,
  TinyImagenetSpec,
} from "../data/mod.ts";
import {
  type CnnSpec,
  createModel,
  type ImagenetResnetSpec,
  type MlpSpec,
  type MobilenetV2CifarSpec,
  type MobilenetV2Spec,
  type ModelSpec,
  type PreactResnetSpec,
  type ResnetSpec,
  type VitSpec,
  type WideResnetSpec,
} from "../models/mod.ts";
import {
  type AdversarialSpec,
  type KdigaSpec,
  type KdSpec,
  type NaturalSpec,
  objectiveOf,
  OBJECTIVES,
  type ObjectiveSpec,
} from "../objectives/mod.ts";
import {
  type BatchNormUpdates,
  type ConstantSchedule,
  type CosineSchedule,
  learningRate,
  type LearningRateRule,
  type OneCycleSchedule,
  type OptimizerSpec,
  type ScheduleSpec,
  type SgdSpec,
  type StepSchedule,
} from "../training/mod.ts";
import type { LocalLinearitySpec } from "../evaluation/mod.ts";
import { checkAnalysis } from "./_check_analysis.ts";
import { checkEvaluation } from "./_check_evaluation.ts";
import {
  type Check,
  type Fields,
  flag,
  integer,
  list,
  number,
  object,
  oneOf,
  optional,
  text,
  union,
} from "./schema.ts";

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

const kind: Check = text();
const eps: Check = text(/^(\d+\/\d+|\d*\.?\d+)$/, 'a radius in pixel units such as "8/255"');
const shared = {
  kind,
  activation: optional(oneOf("relu", "relu6", "softplus", "tanh", "gelu", "geluTanh")),
  mean: optional(list(number())),
  std: optional(list(number())),
};
const staged = { ...shared, width: optional(integer()), blocks: optional(list(integer())) };
const imagenetResnet = { ...staged, stem: optional(oneOf("cifar", "imagenet")) };
const mobilenet = { ...shared, width: optional(number(0)), stages: optional(list(list(integer()))) };
const models: { readonly [K in ModelSpec["kind"]]: Check } = {
  mlp: object<MlpSpec>({ ...shared, hidden: list(integer()) }),
  cnn: object<CnnSpec>({ ...shared, width: optional(integer()) }),
  resnet: object<ResnetSpec>({ ...shared, depth: integer(), width: optional(integer()) }),
  resnet18: object<ImagenetResnetSpec>(imagenetResnet),
  resnet34: object<ImagenetResnetSpec>(imagenetResnet),
  resnet50: object<ImagenetResnetSpec>(imagenetResnet),
  "wide_resnet50_2": object<ImagenetResnetSpec>(imagenetResnet),
  "preact_resnet18": object<PreactResnetSpec>({
    ...staged,
    finalNorm: optional(flag),
    shortcutOf: optional(oneOf("input", "activation")),
  }),
  "mobilenet_v2": object<MobilenetV2Spec>(mobilenet),
  "mobilenet_v2_cifar": object<MobilenetV2CifarSpec>(mobilenet),
  "wide_resnet": object<WideResnetSpec>({ ...shared, depth: integer(), widen: integer(), width: optional(integer()) }),
  vit: object<VitSpec>({
    ...shared,
    patch: integer(),
    size: optional(oneOf("tiny", "small", "base")),
    depth: optional(integer()),
    dim: optional(integer()),
    heads: optional(integer()),
    distilled: optional(flag),
    dropout: optional(number(0, 1)),
    dropPath: optional(number(0, 1)),
  }),
};
const distillation = {
  kind,
  alpha: number(0, 1),
  temperature: number(0),
  klReduction: optional(oneOf("batchMean", "elementMean")),
};
const objectives: { readonly [K in ObjectiveSpec["kind"]]: Check } = {
  natural: object<NaturalSpec>({ kind, labelSmoothing: optional(number(0, 1)) }),
  adversarial: object<AdversarialSpec>({
    kind,
    eps,
    steps: integer(),
    stepSize: optional(eps),
    relativeStepSize: optional(number(0)),
    randomStart: optional(flag),
    studentMode: optional(oneOf("train", "eval")),
  }),
  kd: object<KdSpec>(distillation),
  kdiga: object<KdigaSpec>({
    ...distillation,
    weight: number(0),
    scale: optional(oneOf("perExample", "releasedCode")),
    squared: optional(flag),
    randomStart: optional(eps),
    separatePasses: optional(flag),
  }),
};
const optimizers: { readonly [K in OptimizerSpec["kind"]]: Check } = {
  sgd: object<SgdSpec>({
    kind,
    momentum: optional(number(0, 1)),
    nesterov: optional(flag),
    weightDecay: optional(number(0)),
    noDecay: optional(list(text())),
    frozen: optional(list(text())),
    learningRates: optional(list(object<LearningRateRule>({ match: text(), factor: number(0) }))),
  }),
};
const schedule = { kind, peak: number(0), warmUp: optional(number(0, 1)) };
const schedules: { readonly [K in ScheduleSpec["kind"]]: Check } = {
  constant: object<ConstantSchedule>(schedule),
  step: object<StepSchedule>({
    ...schedule,
    milestones: list(number(0)),
    epochs: optional(number(0)),
    factor: optional(number(0)),
  }),
  cosine: object<CosineSchedule>({ ...schedule, final: optional(number(0)) }),
  oneCycle: object<OneCycleSchedule>({
    ...schedule,
    anneal: optional(oneOf("cosine", "linear")),
    startDivisor: optional(number(0)),
    finalDivisor: optional(number(0)),
  }),
};
const batchNorms = optional(oneOf("Linf", "L2"));
const norms = optional(oneOf("Linf", "L2", "L1"));
const attackLoss = optional(oneOf("crossEntropy", "margin", "dlr"));
const share01 = optional(number(0, 1));
const target: Check = (value, path) =>
  typeof value === "number" ? integer(0)(value, path) : oneOf("leastLikely", "next")(value, path);
const version: Check = (value, path) =>
  typeof value === "string" ? oneOf("standard", "plus", "rand")(value, path) : list(union(attacks))(value, path);
const attacks: { readonly [K in AttackSpec["kind"]]: Check } = {
  fgsm: object<FgsmSpec>({ kind, norm: batchNorms, loss: attackLoss, samples: optional(integer()) }),
  pgd: object<PgdSpec>({
    kind,
    norm: batchNorms,
    loss: optional(oneOf("crossEntropy", "margin", "dlr", "klToClean", "targetedDlr")),
    steps: integer(),
    relativeStepSize: optional(number(0)),
    stepSize: optional(eps),
    restarts: optional(integer()),
    randomStart: optional(flag),
    momentum: share01,
    target: optional(target),
    samples: optional(integer()),
  }),
  apgd: object<ApgdSpec>({
    kind,
    norm: norms,
    loss: optional(oneOf("crossEntropy", "margin", "dlr", "targetedDlr")),
    steps: optional(integer()),
    restarts: optional(integer()),
    targets: optional(integer()),
    rho: share01,
    largerReps: optional(flag),
    samples: optional(integer()),
  }),
  fab: object<FabSpec>({
    kind,
    norm: norms,
    steps: optional(integer()),
    restarts: optional(integer()),
    targets: optional(integer()),
    alphaMax: share01,
    eta: optional(number(1, 2)),
    beta: share01,
  }),
  ddn: object<DdnSpec>({
    kind,
    norm: oneOf("L2"),
    steps: optional(integer()),
    gamma: share01,
    initialNorm: optional(number(0)),
  }),
  square: object<SquareSpec>({
    kind,
    norm: norms,
    queries: optional(integer()),
    pInit: share01,
    restarts: optional(integer()),
  }),
  autoattack: object<AutoAttackSpec>({ kind, norm: norms, version: optional(version) }),
};
const share = optional(number(0));
const someOf = {
  kind,
  seed: integer(0),
  validation: share,
  trainCount: optional(integer()),
  testCount: optional(integer()),
};
const data: { readonly [K in DataSpec["kind"]]: Check } = {
  shapes: object<ShapesSpec>({
    kind,
    seed: integer(0),
    train: integer(),
    test: integer(),
    size: optional(integer()),
    validation: share,
    parameters: optional(object<ShapesParameters>({
      shapeContrast: optional(number(0, 1)),
      textureAmplitude: optional(number(0, 1)),
      noise: optional(number(0, 1)),
      gradient: optional(number(0, 1)),
      tint: optional(number(0, 1)),
    })),
  }),
  cifar10: object<Cifar10Spec>(someOf),
  cifar100: object<Cifar100Spec>({ ...someOf, labels: optional(oneOf("fine", "coarse")) }),
  cifar10c: object<Cifar10CSpec>({
    kind,
    seed: integer(0),
    corruption: text(/^\w+$/, 'the name of a file without ".npy", such as "fog"'),
    severity: integer(1, 5),
    testCount: optional(integer()),
  }),
  tinyimagenet: object<TinyImagenetSpec>({ ...someOf, trainCount: optional(integer(0)) }),
  imagenet: object<ImagenetSpec>({
    kind,
    seed: integer(0),
    classes: optional(integer()),
    size: optional(integer()),
    resize: optional(integer()),
    filter: optional(oneOf("bilinear", "bicubic")),
    validation: share,
    trainCount: optional(integer(0)),
    testCount: optional(integer()),
    onCorrupt: optional(oneOf("stop", "skip")),
  }),
};
const network: Fields<NetworkExperiment> = {
  name: text(/^[a-z0-9][a-z0-9.-]*$/, "a name of lower-case letters, digits, dots and hyphens"),
  model: union(models),
  objective: union(objectives),
  optimizer: union(optimizers),
  schedule: union(schedules),
  pretrained: optional(object<PretrainedSpec>({
    weights: text(/./, "the path of a weights file"),
    sha256: optional(text(/^[0-9a-f]{64}$/, "64 hexadecimal digits")),
    fresh: optional(list(text())),
  })),
  epochs: integer(0),
  batchSize: integer(),
  augment: optional(object<AugmentSpec>({ pad: integer(0), flip: flag })),
  batchNormUpdates: optional(oneOf("first", "every")),
};
const experiment = object<Experiment>({
  name: text(/^[a-z0-9][a-z0-9.-]*$/, "a name of lower-case letters, digits, dots and hyphens"),
  seed: integer(0),
  data: union(data),
  teacher: object<NetworkExperiment>(network),
  students: list(object<NetworkExperiment>(network)),
  evaluation: object<EvaluationSpec>({
    split: optional(oneOf("test", "validation")),
    n: integer(),
    batchSize: integer(),
    attacks: list(union(attacks)),
    eps: list(eps),
    shard: optional(text(/^[1-9]\d*\/[1-9]\d*$/, 'a part such as "1/3"')),
  }),
  analysis: optional(object<AnalysisSpec>({
    split: optional(oneOf("test", "validation")),
    n: integer(2),
    batchSize: integer(),
    eps: list(eps),
    attack: optional(union(attacks)),
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

/** Shape of the images and number of classes of each kind of data. */
const DATA_SHAPES: {
  readonly [K in DataSpec["kind"]]: (
    spec: Extract<DataSpec, { kind: K }>,
  ) => { readonly inputShape: readonly [number, number, number]; readonly classes: number };
} = {
  shapes: ({ size = 16 }) => ({ inputShape: [size, size, 3], classes: 10 }),
  cifar10: () => ({ inputShape: [32, 32, 3], classes: 10 }),
  cifar100: ({ labels }) => ({ inputShape: [32, 32, 3], classes: labels === "coarse" ? 20 : 100 }),
  cifar10c: () => ({ inputShape: [32, 32, 3], classes: 10 }),
  imagenet: ({ size = 224, classes = 1000 }) => ({ inputShape: [size, size, 3], classes }),
  tinyimagenet: () => ({ inputShape: [64, 64, 3], classes: 200 }),
};

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
  if (OBJECTIVES[teacher.objective.kind].needsTeacher) {
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
    if (each.epochs > 0 && dataSpec.kind === "cifar10c") {
      throw new UsageError(
        `Cannot train "${each.name}" on "cifar10c" as it has test images alone: evaluate with it, and train on "cifar10"`,
      );
    }
    if (each.epochs > 0 || each.pretrained !== undefined) continue;
    throw new UsageError(
      `Cannot use the experiment as "${each.name}" has 0 epochs and no pretrained weights: give it one of them`,
    );
  }
  checkEvaluation(evaluation);
  if (analysis !== undefined) checkAnalysis(analysis);
  return value as Experiment;
}
