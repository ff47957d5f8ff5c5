import {
  CheckpointError,
  DivergedError,
  float32,
  type NdArray,
  type Rng,
  rng,
  scalar,
  type StepRow,
  UsageError,
} from "../core/mod.ts";
import {
  type AugmentSpec,
  batchesPerEpoch,
  type Dataset,
  type LazyDataset,
  type SkippedImage,
  trainBatches,
} from "../data/mod.ts";
import {
  disposeTree,
  type Engine,
  isValue,
  type Leaf,
  putTree,
  readTree,
  takeTree,
  type Value,
} from "../engine/mod.ts";
import type { Classifier, Mode, Model, Weights } from "../models/mod.ts";
import { objectiveOf, type ObjectiveSpec, type TeacherRole } from "../objectives/mod.ts";
import { type Named, type Optimizer, OPTIMIZERS, type OptimizerSpec } from "./optimizer.ts";
import { learningRate, type ScheduleSpec } from "./schedule.ts";
import { type BatchNormUpdates, trainingStep } from "./step.ts";
import type { TrainState } from "./train_state.ts";

/** What a training is made of. */
export interface TrainOptions {
  /** Name of the network in rows and messages: "kdiga". */
  readonly name: string;
  /** The student. */
  readonly model: Model;
  /** What to train for. */
  readonly objective: ObjectiveSpec;
  /** How to update. */
  readonly optimizer: OptimizerSpec;
  /** Learning rate of each step. */
  readonly schedule: ScheduleSpec;
  /** Passes over the data set; 0 gives first weights as they are. */
  readonly epochs: number;
  /** Images per step; what is left of an epoch below that is left out. */
  readonly batchSize: number;
  /** Names the streams of the first weights, the order of the images, their augmentation and the perturbations. */
  readonly seed: number;
  /** Random changes of the images; none where omitted. */
  readonly augment?: AugmentSpec;
  /** What to train on, in memory or read while it is used. */
  readonly dataset: Dataset | LazyDataset;
  /** The frozen teacher, used by the objectives that need one. Its owner disposes of its weights. */
  readonly teacher?: Classifier;
  /** A second frozen teacher, trained on clean images, used likewise. */
  readonly naturalTeacher?: Classifier;
  /** First weights, all or some, such as those of a network trained before; the others are new. */
  readonly initial?: Weights<NdArray>;
  /** Where to go on, in place of the first weights. */
  readonly from?: TrainState;
  /** A checkpoint after every so many steps, counted from the first of all; none where omitted. */
  readonly checkpointEvery?: number;
  /**
   * Which forward passes of a step move batch norm's running statistics.
   * @default {"first"}
   */
  readonly batchNormUpdates?: BatchNormUpdates;
}

/** A step has been done. */
export interface StepEvent {
  /** Discriminates the events. */
  readonly kind: "step";
  /** The line of `steps.csv`. */
  readonly row: StepRow;
  /** Share of the batch that was classified correctly, in training mode, before the update. */
  readonly accuracy: number;
  /** Steps done. */
  readonly done: number;
  /** Steps in all. */
  readonly total: number;
  /** Seconds before the step in which nothing was done but wait for its images. */
  readonly waited: number;
  /** Damaged files that were found on the way to it, of images that are decoded while they are used. */
  readonly skipped: readonly SkippedImage[];
}

/** All batches of an epoch have been seen. Where a checkpoint is due as well, it comes after this. */
export interface EpochEvent {
  /** Discriminates the events. */
  readonly kind: "epoch";
  /** Epochs done, from 1. */
  readonly epoch: number;
  /** Epochs in all. */
  readonly total: number;
  /** Steps done. */
  readonly done: number;
  /** Mean of {@linkcode StepEvent}'s accuracy over the steps of the epoch. */
  readonly accuracy: number;
  /**
   * The network in evaluation mode, its weights on the engine. They are the training's: they may be used and read until
   * the next event is asked for, and belong to nobody after that. To end with these weights, or with those of an earlier
   * epoch that were read, leave the loop.
   */
  readonly classifier: Classifier;
}

/** A state to keep, in memory; all its numbers are finite. */
export interface CheckpointEvent {
  /** Discriminates the events. */
  readonly kind: "checkpoint";
  /** The state. */
  readonly state: TrainState;
}

/** Training is over. */
export interface EndEvent {
  /** Discriminates the events. */
  readonly kind: "end";
  /** The weights after the last step, in memory; all finite. */
  readonly weights: Weights<NdArray>;
}

/** What {@linkcode train} reports. */
export type TrainEvent = StepEvent | EpochEvent | CheckpointEvent | EndEvent;

/**
 * Trains a network, step by step. Nothing depends on where it was interrupted: from the state after step k it goes on
 * bit for bit as the uninterrupted run, on the same engine and machine.
 *
 * Leaving the loop (`break`, or an error) gives back all that it put on the engine.
 *
 * @param engine Where the steps run; the student's weights stay on it between them.
 * @param options The training.
 * @returns A step event after every step, an epoch event after every epoch, a checkpoint event after every
 * `checkpointEvery` steps, and one end event.
 * @throws {UsageError} If the options do not fit each other.
 * @throws {CheckpointError} If `from` is not a state of this model, optimizer and length.
 * @throws {DivergedError} If a term, or a weight that would be handed out, is not finite.
 *
 * @example Usage
 * ```ts ignore
 * for await (const event of train(engine, { name: "kdiga", objective: KDIGA_PAPER, teacher, ...rest })) {
 *   if (event.kind === "step") draw(event.done / event.total, event.row.loss);
 *   if (event.kind === "end") await save(event.weights);
 * }
 * ```
 */
export async function* train(engine: Engine, options: TrainOptions): AsyncGenerator<TrainEvent, void, void> {
  const { name, model, objective: spec, optimizer, schedule, epochs, batchSize, seed, augment, dataset } = options;
  const { checkpointEvery, batchNormUpdates } = options;
  const objective = objectiveOf(spec);
  const needs = objective.needs(spec);
  checkOptions(options, needs);
  const teacher = needs.includes("teacher") ? options.teacher : undefined;
  const naturalTeacher = needs.includes("naturalTeacher") ? options.naturalTeacher : undefined;
  const perEpoch = batchesPerEpoch(dataset.ids.length, batchSize);
  const total = epochs * perEpoch;
  if (total > 0) learningRate(schedule, 0, total); // A schedule that cannot be meant is refused before any work.
  const first = firstState(options, total);

  const program = engine.compile(
    trainingStep({
      model,
      teacher: teacher?.logits,
      naturalTeacher: naturalTeacher?.logits,
      objective: spec,
      optimizer,
      ...(batchNormUpdates === undefined ? {} : { batchNormUpdates }),
    }),
    { name: `train ${name}` },
  );
  const frozen = teacher === undefined ? undefined : { ...teacher, weights: putTree(engine, teacher.weights) };
  const natural = naturalTeacher === undefined
    ? undefined
    : { ...naturalTeacher, weights: putTree(engine, naturalTeacher.weights) };
  let state: EngineState = putTree(engine, { ...first.weights, velocity: first.velocity, carried: first.carried });
  let step = first.step;
  let accuracySum = first.accuracySum ?? 0;

  try {
    while (step < total) {
      const epoch = Math.floor(step / perEpoch);
      const choice = {
        batchSize,
        rng: rng(seed, "data"),
        epoch,
        from: step % perEpoch,
        ...(augment === undefined ? {} : { augment }),
      };
      const batches = "batches" in dataset ? dataset.batches(choice) : trainBatches(dataset, choice);
      const damaged = "skipped" in batches ? batches.skipped : [];
      let told = 0;
      let asked = performance.now();
      for await (const { x, y, ids } of batches) {
        const waited = (performance.now() - asked) / 1000;
        const rate = learningRate(schedule, step, total);
        const xAdv = await objective.perturb?.({
          engine,
          student: (mode) => asClassifier(model, mode, state),
          teacher: frozen,
          naturalTeacher: natural,
          x,
          y,
          ids,
          progress: step / total,
          rng: rng(seed, "perturb", step),
        }, spec);
        let outputs;
        try {
          outputs = await program({
            ...state,
            teacher: frozen?.weights,
            naturalTeacher: natural?.weights,
            x,
            y,
            xAdv,
            noise: drawNoise(model, ids, rng(seed, "drop", step)),
            learningRate: scalar(rate),
            progress: scalar(step / total),
          });
        } finally {
          disposeTree(xAdv);
        }
        disposeTree(state);
        const { parameters, buffers, velocity, carried } = outputs;
        state = { parameters, buffers, velocity, carried };
        const read = await takeTree(engine, { terms: outputs.terms, accuracy: outputs.accuracy });

        const terms = Object.fromEntries(objective.termNames(spec).map((term) => [term, read.terms[term]!.data[0]!]));
        for (const [term, value] of Object.entries(terms)) {
          if (!Number.isFinite(value)) throw new DivergedError(step, term, value);
        }
        const loss = Object.values(terms).reduce((sum, value) => sum + value, 0);
        const row = { method: name, step, epoch, learningRate: rate, loss, terms };
        step++;
        const skipped = damaged.slice(told);
        told += skipped.length;
        const accuracy = read.accuracy.data[0]!;
        accuracySum += accuracy;
        yield { kind: "step", row, accuracy, done: step, total, waited, skipped };
        if (step % perEpoch === 0) {
          const classifier = asClassifier(model, "eval", state);
          const mean = accuracySum / perEpoch;
          yield { kind: "epoch", epoch: epoch + 1, total: epochs, done: step, accuracy: mean, classifier };
          accuracySum = 0;
        }
        if (checkpointEvery !== undefined && step % checkpointEvery === 0) {
          yield { kind: "checkpoint", state: { ...await readState(engine, state, step), accuracySum } };
        }
        asked = performance.now();
      }
    }
    yield { kind: "end", weights: (await readState(engine, state, step)).weights };
  } finally {
    disposeTree(state);
    disposeNew(frozen?.weights, teacher?.weights);
    disposeNew(natural?.weights, naturalTeacher?.weights);
    program.dispose();
  }
}

/** What decides which parts of a network are dropped, for each image by its own stream [B, n]. */
function drawNoise({ noise }: Model, ids: Int32Array, random: Rng): NdArray | undefined {
  if (noise === undefined) return undefined;
  const rows = Array.from(ids, (id) => noise(random.child(id)));
  const count = rows[0]!.length;
  const data = new Float32Array(rows.length * count);
  rows.forEach((row, i) => data.set(row, i * count));
  return float32([rows.length, count], data);
}

/** What lives on the engine between steps. */
interface EngineState {
  readonly parameters: Named<Value>;
  readonly buffers: Named<Value>;
  readonly velocity: Named<Value>;
  readonly carried: Named<Value>;
}

function asClassifier(model: Model, mode: Mode, { parameters, buffers }: EngineState): Classifier {
  const { classes, inputShape, logits, trainLogits } = model;
  return { classes, inputShape, logits: mode === "train" ? trainLogits : logits, weights: { parameters, buffers } };
}

function checkOptions(options: TrainOptions, needs: readonly TeacherRole[]): void {
  const { name, model, objective, epochs, batchSize, dataset, teacher, naturalTeacher, checkpointEvery, initial } =
    options;
  const checkCount = (value: number, what: string) => {
    if (!Number.isInteger(value) || value < 1) {
      throw new UsageError(`Cannot train "${name}" with ${what} ${value}: write an integer of at least 1`);
    }
  };
  if (epochs !== 0 || initial === undefined) checkCount(epochs, "epochs");
  checkCount(batchSize, "batchSize");
  if (checkpointEvery !== undefined) checkCount(checkpointEvery, "checkpointEvery");
  const images = dataset.ids.length;
  if (images < batchSize) {
    throw new UsageError(
      `Cannot train "${name}" with batches of ${batchSize} on the ${images} images of "${dataset.name}": ` +
        "take smaller batches or more images",
    );
  }
  const networks = [["the network", model], ["the teacher", teacher], ["the natural teacher", naturalTeacher]] as const;
  for (const [who, network] of networks) {
    if (network === undefined) continue;
    const [expected, actual] = [
      describe(network.inputShape, network.classes),
      describe(dataset.imageShape, dataset.classes.length),
    ];
    if (expected === actual) continue;
    throw new UsageError(
      `Cannot train "${name}" on "${dataset.name}" as it has ${actual} where ${who} is made for ${expected}: ` +
        `take data and networks that fit`,
    );
  }
  const missing = needs.find((role) => options[role] === undefined);
  if (missing !== undefined) {
    const what = missing === "teacher" ? "teacher" : "teacher that was trained on clean images (naturalTeacher)";
    throw new UsageError(
      `Cannot train "${name}" with the objective "${objective.kind}" as it has no ${what}: give one`,
    );
  }
}

function describe(imageShape: readonly number[], classes: number): string {
  return `images [${imageShape.join(", ")}] of ${classes} classes`;
}

/** Where training starts: `from`, `initial`, or new weights. */
function firstState(options: TrainOptions, total: number): TrainState {
  const { name, model, objective, optimizer, seed, initial, from } = options;
  const fresh = model.init(rng(seed, "init"));
  const velocity = (OPTIMIZERS[optimizer.kind] as Optimizer<OptimizerSpec>).init(optimizer, fresh.parameters);
  const parameters = { ...fresh.parameters, ...initial?.parameters };
  const buffers = { ...fresh.buffers, ...initial?.buffers };
  const carried = objectiveOf(objective).state?.(objective, model, rng(seed, "objective")) ?? {};
  const start = from ?? { step: 0, weights: { parameters, buffers }, velocity, carried };
  if (start.step > total) {
    throw new CheckpointError(
      `Cannot go on training "${name}" from step ${start.step} as it ends at step ${total}: train for more epochs`,
    );
  }
  const shapesOf = (arrays: Named<NdArray>) =>
    new Map(Object.entries(arrays).map(([key, { shape }]) => [key, `[${shape.join(", ")}]`]));
  const compare = (group: string, expected: Named<NdArray>, actual: Named<NdArray>) => {
    const [wanted, found] = [shapesOf(expected), shapesOf(actual)];
    for (const key of new Set([...wanted.keys(), ...found.keys()])) {
      if (wanted.get(key) === found.get(key)) continue;
      throw new CheckpointError(
        `Cannot go on training "${name}" from this state as its ${group} "${key}" is ${
          found.get(key) ?? "missing"
        } where ` +
          `${wanted.get(key) ?? "none"} is expected: give a state of the same model and optimizer`,
      );
    }
  };
  compare("parameter", fresh.parameters, start.weights.parameters);
  compare("buffer", fresh.buffers, start.weights.buffers);
  compare("velocity", velocity, start.velocity);
  compare("carried value", carried, start.carried);
  return start;
}

/** The state in memory. */
async function readState(engine: Engine, state: EngineState, step: number): Promise<TrainState> {
  const { parameters, buffers, velocity, carried } = await readTree(engine, state);
  for (const [key, { data }] of Object.entries({ ...parameters, ...buffers })) {
    for (const value of data) if (!Number.isFinite(value)) throw new DivergedError(step - 1, key, value);
  }
  return { step, weights: { parameters, buffers }, velocity, carried };
}

/** Disposes of the values that were put for a tree of arrays and values. */
function disposeNew(values: Weights<Value> | undefined, given: Weights<Leaf> | undefined): void {
  for (const group of ["parameters", "buffers"] as const) {
    for (const [key, value] of Object.entries(values?.[group] ?? {})) {
      if (!isValue(given?.[group][key])) value.dispose();
    }
  }
}
