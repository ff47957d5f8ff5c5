import { type AttackSpec, type AutoAttackSpec, componentsOf } from "../attacks/mod.ts";
import type { DataSpec } from "../data/mod.ts";
import type { ModelSpec } from "../models/mod.ts";
import type { ObjectiveSpec, TeacherRole } from "../objectives/mod.ts";
import type { AverageSpec } from "../training/mod.ts";
import type { AnalysisSpec, Experiment, NetworkExperiment } from "./experiment.ts";
import { isTrained, presetOf, TEACHER_ROLES, teacherName, type TeacherSpec } from "./teacher.ts";

const TRAIN_IMAGES = 256;
const TEST_IMAGES = 64;
const VALIDATION_IMAGES = 64;

/**
 * The same experiment at smoke size, for seconds: few images, one epoch, narrow networks, short attacks, two radii. It
 * shows that everything runs, nothing else.
 *
 * @param experiment The full one.
 * @returns A new experiment named "<name>-small"; a pure function of its argument.
 */
export function small(experiment: Experiment): Experiment {
  const { evaluation, analysis } = experiment;
  return {
    ...experiment,
    name: `${experiment.name}-small`,
    data: smallData(experiment.data),
    ...smallTeachers(experiment),
    students: experiment.students.map(smallNetwork),
    evaluation: {
      ...evaluation,
      n: Math.min(evaluation.n, TEST_IMAGES),
      batchSize: Math.min(evaluation.batchSize, TEST_IMAGES),
      attacks: evaluation.attacks.map(smallAttack),
      eps: ends(evaluation.eps),
    },
    ...(analysis === undefined ? {} : { analysis: smallAnalysis(analysis) }),
  };
}

/** A teacher from a file has a size of its own: in its place one is trained, as the first student but without a teacher. */
function smallTeachers(experiment: Experiment): Pick<Experiment, TeacherRole> {
  const roles = TEACHER_ROLES.filter((role) => experiment[role] !== undefined);
  return Object.fromEntries(roles.map((role) => [role, smallTeacher(role, experiment)]));
}

function smallTeacher(role: TeacherRole, experiment: Experiment): TeacherSpec {
  const spec = experiment[role]!;
  if ("experiment" in spec) {
    const origin = typeof spec.experiment === "string" ? presetOf(spec.experiment, role) : spec.experiment;
    return { ...spec, experiment: small(origin) };
  }
  if (isTrained(spec)) return smallNetwork(spec);
  return smallNetwork({
    ...experiment.students[0]!,
    name: teacherName(role, spec),
    objective: { kind: "natural" },
  });
}

function ends(eps: readonly string[]): readonly string[] {
  return eps.length <= 2 ? eps : [eps[0]!, eps.at(-1)!];
}

function smallAnalysis(analysis: AnalysisSpec): AnalysisSpec {
  const { attack, linearity } = analysis;
  return {
    ...analysis,
    n: Math.min(analysis.n, TEST_IMAGES),
    batchSize: Math.min(analysis.batchSize, TEST_IMAGES),
    eps: ends(analysis.eps),
    attack: attack === undefined ? { kind: "pgd", steps: 5 } : smallAttack(attack),
    linearity: { ...linearity, steps: Math.min(linearity?.steps ?? 5, 5), starts: 1 },
  };
}

function smallData(data: DataSpec): DataSpec {
  const validation = !("validation" in data) || data.validation === undefined
    ? {}
    : { validation: Math.min(data.validation, VALIDATION_IMAGES) };
  switch (data.kind) {
    case "shapes":
      return {
        ...data,
        ...validation,
        train: Math.min(data.train, TRAIN_IMAGES + VALIDATION_IMAGES),
        test: Math.min(data.test, TEST_IMAGES),
      };
    case "cifar10":
    case "cifar100":
      return {
        ...data,
        ...validation,
        trainCount: Math.min(data.trainCount ?? Infinity, TRAIN_IMAGES + VALIDATION_IMAGES),
        testCount: Math.min(data.testCount ?? Infinity, TEST_IMAGES),
      };
    case "cifar10c":
    case "cifar100c":
      return { ...data, testCount: Math.min(data.testCount ?? Infinity, TEST_IMAGES) };
    case "tinyimagenet":
    case "imagenet":
      // Every network is trained now; of the test images no more are decoded than are evaluated.
      return {
        ...data,
        ...validation,
        trainCount: Math.min(data.trainCount || Infinity, TRAIN_IMAGES + VALIDATION_IMAGES),
      };
  }
}

/** Without weights that were trained before, which have other shapes, and what is said of them by name. */
function smallNetwork({ pretrained: _, average, ...network }: NetworkExperiment): NetworkExperiment {
  const { frozen: _frozen, learningRates: _rates, ...optimizer } = network.optimizer;
  return {
    ...network,
    optimizer,
    model: smallModel(network.model),
    objective: smallObjective(network.objective),
    epochs: 1,
    batchSize: Math.min(network.batchSize, 64),
    ...(network.watch === undefined ? {} : { watch: { ...network.watch, n: Math.min(network.watch.n, 32), steps: 2 } }),
    ...(average === undefined ? {} : { average: smallAverage(average) }),
  };
}

/** There may be fewer steps than from one taking to the next. */
function smallAverage(average: AverageSpec): AverageSpec {
  if (average.kind === "ema") return average;
  const { every: _, ...rest } = average;
  return rest;
}

function smallModel(model: ModelSpec): ModelSpec {
  switch (model.kind) {
    case "mlp":
      return { ...model, hidden: model.hidden.map((width) => Math.min(width, 32)) };
    case "cnn":
    case "resnet":
      return { ...model, width: Math.min(model.width ?? 16, 16) };
    case "wide_resnet":
      return { ...model, depth: 10, widen: 1 };
    case "mobilenet_v2":
    case "mobilenet_v2_cifar":
      return { ...model, width: 0.25, stages: [[1, 16, 1, 1], [6, 24, 1, 2], [6, 32, 1, 2]] };
    case "resnet18":
    case "resnet34":
    case "resnet50":
    case "wide_resnet50_2":
    case "preact_resnet18":
      return { ...model, width: Math.min(model.width ?? 64, 16), blocks: [1, 1, 1, 1] };
    case "vit":
      return { ...model, depth: 2, dim: 48, heads: 3 };
  }
}

function smallObjective(objective: ObjectiveSpec): ObjectiveSpec {
  const shorter = <A extends { readonly steps: number }>(attack: A): A => ({
    ...attack,
    steps: Math.min(attack.steps, 2),
  });
  if ("steps" in objective) return shorter(objective);
  if ("attack" in objective && objective.attack !== undefined) {
    return { ...objective, attack: shorter(objective.attack) };
  }
  if ("base" in objective) return { ...objective, base: smallObjective(objective.base) as typeof objective.base };
  return objective;
}

function smallAttack(attack: AttackSpec): AttackSpec {
  switch (attack.kind) {
    case "fgsm":
      return attack;
    case "pgd":
      return { ...attack, steps: Math.min(attack.steps, 5) };
    case "apgd":
    case "fab":
      return { ...attack, steps: Math.min(attack.steps ?? 100, 5), restarts: 1 };
    case "ddn":
      return { ...attack, steps: Math.min(attack.steps ?? 100, 5) };
    case "square":
      return { ...attack, queries: Math.min(attack.queries ?? 5000, 20), restarts: 1 };
    case "autoattack": {
      const components = componentsOf(attack).map(({ spec }) => smallAttack(spec));
      return { ...attack, version: components as AutoAttackSpec["version"] & object };
    }
  }
}
