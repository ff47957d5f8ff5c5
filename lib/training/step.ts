import { add, argMax, cast, equal, mean, type Tensor, valueAndGrad } from "../engine/mod.ts";
import type { Classifier, Model, Weights } from "../models/mod.ts";
import { objectiveOf, type ObjectiveSpec, type Terms } from "../objectives/mod.ts";
import { type TrackedStudent, trackedStudent } from "./_tracked_student.ts";
import { isFrozen } from "./_parameter_rules.ts";
import { type Named, type Optimizer, OPTIMIZERS, type OptimizerSpec } from "./optimizer.ts";

/**
 * Which forward passes of the student move batch norm's running statistics, where an objective makes several per step:
 * the "first" one alone, or "every" one, in order, as modules of PyTorch in training mode do.
 */
export type BatchNormUpdates = "first" | "every";

/** What a training step is made of. */
export interface StepSettings {
  /** The student. */
  readonly model: Model;
  /** The traced forward pass of the teacher; undefined where there is none. */
  readonly teacher: Classifier["logits"] | undefined;
  /** What to train for. */
  readonly objective: ObjectiveSpec;
  /** How to update. */
  readonly optimizer: OptimizerSpec;
  /**
   * Which forward passes move the running statistics.
   * @default {"first"}
   */
  readonly batchNormUpdates?: BatchNormUpdates;
}

/** What a training step takes. */
export interface StepInputs {
  /** Parameters of the student. */
  readonly parameters: Named<Tensor>;
  /** Running statistics of the student. */
  readonly buffers: Named<Tensor>;
  /** Velocity of the optimizer. */
  readonly velocity: Named<Tensor>;
  /** Weights of the teacher; undefined where there is none. */
  readonly teacher: Weights<Tensor> | undefined;
  /** Clean pixels in [0,1], [B, H, W, C]. */
  readonly x: Tensor;
  /** Classes [B], int32. */
  readonly y: Tensor;
  /** Perturbed pixels [B, H, W, C]; undefined where the objective makes none. */
  readonly xAdv: Tensor | undefined;
  /** Numbers of {@linkcode Model.noise} [B, n], the same for every pass of the student; absent where nothing drops. */
  readonly noise?: Tensor | undefined;
  /** Learning rate, a scalar. */
  readonly learningRate: Tensor;
  /** Share of training done, in [0,1], a scalar. */
  readonly progress: Tensor;
}

/** What a training step gives. */
export interface StepOutputs {
  /** Parameters after the update. */
  readonly parameters: Named<Tensor>;
  /** Running statistics after the step. */
  readonly buffers: Named<Tensor>;
  /** Velocity after the update. */
  readonly velocity: Named<Tensor>;
  /** Weighted terms before the update, scalars. */
  readonly terms: Terms;
  /** Share of the batch that the student's first forward pass classified correctly, a scalar. */
  readonly accuracy: Tensor;
}

/**
 * Makes the one traced function of a training step: terms of the objective, gradient of their sum with respect to the
 * student's parameters, update of the optimizer.
 *
 * @param settings Student, teacher, objective, optimizer.
 * @returns The function, to be compiled by an engine.
 * @throws {UsageError} If a field of the objective is out of its range.
 */
export function trainingStep(settings: StepSettings): (inputs: StepInputs) => StepOutputs {
  const { model, objective: spec, batchNormUpdates = "first" } = settings;
  const objective = objectiveOf(spec);
  const optimizer = OPTIMIZERS[settings.optimizer.kind] as Optimizer<OptimizerSpec>;
  return (inputs) => {
    const { x, y, xAdv, progress, learningRate, velocity } = inputs;
    const teacher = settings.teacher === undefined || inputs.teacher === undefined
      ? undefined
      : (pixels: Tensor) => settings.teacher!(inputs.teacher!, pixels);
    const trained = Object.fromEntries(
      Object.entries(inputs.parameters).filter(([name]) => !isFrozen(settings.optimizer, name)),
    );
    let student: TrackedStudent | undefined;
    const { grad, aux: terms } = valueAndGrad((parameters: Named<Tensor>) => {
      const all = { ...inputs.parameters, ...parameters };
      student = trackedStudent(model, all, inputs.buffers, batchNormUpdates, inputs.noise);
      const terms = objective.terms({ student: student.forward, teacher }, { x, y, xAdv }, spec, progress);
      return { value: Object.values(terms).reduce((sum, term) => add(sum, term)), aux: terms };
    }, trained);
    const correct = equal(argMax(student!.firstLogits()!, -1), y);

    const updated = optimizer.update(settings.optimizer, {
      parameters: trained,
      gradients: grad,
      velocity,
      learningRate,
    });
    const parameters = { ...inputs.parameters, ...updated.parameters };
    return { ...updated, parameters, buffers: student!.buffers(), terms, accuracy: mean(cast(correct, "float32")) };
  };
}
