import { add, argMax, cast, equal, mean, type Tensor, valueAndGrad } from "../engine/mod.ts";
import { classesOf } from "../losses/mod.ts";
import type { Classifier, Model, Weights } from "../models/mod.ts";
import { type AnyObjective, objectiveOf, type Terms } from "../objectives/mod.ts";
import { type TrackedStudent, trackedStudent } from "./_tracked_student.ts";
import { isFrozen } from "./_parameter_rules.ts";
import { clipGradients } from "./clip_gradients.ts";
import { perturbWeights, type WeightPerturbationSpec } from "./perturb_weights.ts";
import { type Named, type Optimizer, OPTIMIZERS, type OptimizerSpec, type OptimizerState } from "./optimizer.ts";

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
  /** The same of a second teacher, trained on clean images. @default {none} */
  readonly naturalTeacher?: Classifier["logits"] | undefined;
  /** What to train for: a spec, or an objective of your own. */
  readonly objective: AnyObjective;
  /** How to update. */
  readonly optimizer: OptimizerSpec;
  /**
   * Where the gradient is taken: at the weights, or uphill of them.
   * @default {none: at the weights}
   */
  readonly weightPerturbation?: WeightPerturbationSpec | undefined;
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
  /** What the optimizer kept. */
  readonly optimizerState: OptimizerState<Tensor>;
  /** Weights of the teacher; undefined where there is none. */
  readonly teacher: Weights<Tensor> | undefined;
  /** Weights of the second teacher. */
  readonly naturalTeacher?: Weights<Tensor> | undefined;
  /** Clean pixels in [0,1], [B, H, W, C]. */
  readonly x: Tensor;
  /** Classes [B], int32, or probabilities of the classes [B, classes], float32. */
  readonly y: Tensor;
  /** Perturbed pixels [B, H, W, C]; undefined where the objective makes none. */
  readonly xAdv: Tensor | undefined;
  /** Numbers of {@linkcode Model.noise} [B, n], the same for every pass of the student; absent where nothing drops. */
  readonly noise?: Tensor | undefined;
  /** Random numbers of the objective [B, n]; absent where it draws none. */
  readonly objectiveNoise?: Tensor | undefined;
  /** Learning rate, a scalar. */
  readonly learningRate: Tensor;
  /** Share of training done, in [0,1], a scalar. */
  readonly progress: Tensor;
  /** What the objective carries; empty or absent where it carries nothing. */
  readonly carried?: Named<Tensor>;
}

/** What a training step gives. */
export interface StepOutputs {
  /** Parameters after the update. */
  readonly parameters: Named<Tensor>;
  /** Running statistics after the step. */
  readonly buffers: Named<Tensor>;
  /** What the optimizer keeps. */
  readonly optimizerState: OptimizerState<Tensor>;
  /** Weighted terms before the update, scalars. */
  readonly terms: Terms;
  /** What the objective carries on. */
  readonly carried: Named<Tensor>;
  /** Share of the batch that the student's first forward pass classified correctly, a scalar. */
  readonly accuracy: Tensor;
}

/**
 * Makes the one traced function of a training step: terms of the objective, gradient of their sum with respect to the
 * student's parameters, update of the optimizer. With a weight perturbation, terms, running statistics and accuracy are
 * those at the perturbed weights, from whose gradient the update comes.
 *
 * @param settings Student, teacher, objective, optimizer.
 * @returns The function, to be compiled by an engine.
 * @throws {UsageError} If a field of the objective is out of its range.
 */
export function trainingStep(settings: StepSettings): (inputs: StepInputs) => StepOutputs {
  const { model, objective: spec, weightPerturbation, batchNormUpdates = "first" } = settings;
  const objective = objectiveOf(spec);
  const optimizer = OPTIMIZERS[settings.optimizer.kind] as Optimizer<OptimizerSpec>;
  return (inputs) => {
    const { x, y, xAdv, progress, learningRate, optimizerState } = inputs;
    const teacher = frozen(settings.teacher, inputs.teacher);
    const naturalTeacher = frozen(settings.naturalTeacher, inputs.naturalTeacher);
    const trained = Object.fromEntries(
      Object.entries(inputs.parameters).filter(([name]) => !isFrozen(settings.optimizer, name)),
    );
    let student: TrackedStudent | undefined;
    const gradientAt = (at: Named<Tensor>) =>
      valueAndGrad((parameters: Named<Tensor>) => {
        const all = { ...inputs.parameters, ...parameters };
        student = trackedStudent(model, all, inputs.buffers, batchNormUpdates, inputs.noise);
        const pair = { student: student.forward, teacher, naturalTeacher };
        const context = { progress, state: inputs.carried ?? {}, noise: inputs.objectiveNoise };
        const losses = objective.losses(pair, { x, y, xAdv }, spec, context);
        return { value: Object.values(losses.terms).reduce((sum, term) => add(sum, term)), aux: losses };
      }, at);
    const at = weightPerturbation === undefined
      ? trained
      : perturbWeights(weightPerturbation.gamma, trained, gradientAt(trained).grad);
    const { grad, aux: { terms, state = {} } } = gradientAt(at);
    const correct = equal(argMax(student!.firstLogits()!, -1), classesOf(y));

    const updated = optimizer.update(settings.optimizer, {
      parameters: trained,
      gradients: clipGradients(settings.optimizer.clip, grad),
      optimizerState,
      learningRate,
    });
    const parameters = { ...inputs.parameters, ...updated.parameters };
    const accuracy = mean(cast(correct, "float32"));
    return { ...updated, parameters, buffers: student!.buffers(), terms, carried: state, accuracy };
  };
}

function frozen(
  logits: Classifier["logits"] | undefined,
  weights: Weights<Tensor> | undefined,
): ((x: Tensor) => Tensor) | undefined {
  return logits === undefined || weights === undefined ? undefined : (pixels) => logits(weights, pixels);
}
