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
  type Batch,
  batchesPerEpoch,
  checkMix,
  checkSmoothing,
  type Dataset,
  type LazyDataset,
  mixBatch,
  type MixSpec,
  type SkippedImage,
  smoothLabels,
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
import { type AnyObjective, objectiveOf, type TeacherRole } from "../objectives/mod.ts";
import { averageShare, type AverageSpec, checkAverage, moveAverage } from "./average.ts";
import { estimateStatistics, type StatisticsBatch } from "./estimate_statistics.ts";
import { type Named, type Optimizer, OPTIMIZERS, type OptimizerSpec, type OptimizerState } from "./optimizer.ts";
import { checkWeightPerturbation, type WeightPerturbationSpec } from "./perturb_weights.ts";
import { checkFinite } from "./check_finite.ts";
import { learningRate, type ScheduleSpec } from "./schedule.ts";
import { type BatchNormUpdates, trainingStep } from "./step.ts";
import { flattenSlots, type TrainState } from "./train_state.ts";

/** What a training is made of. */
export interface TrainOptions {
  /** Name of the network in rows and messages: "kdiga". */
  readonly name: string;
  /** The student. */
  readonly model: Model;
  /** What to train for: a spec, or an objective of your own. */
  readonly objective: AnyObjective;
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
  /** Mixes the images of a batch, and their labels; none where omitted. */
  readonly mix?: MixSpec;
  /**
   * Share of every label that is spread evenly over all classes, in every term that the labels enter.
   * @default {0}
   */
  readonly labelSmoothing?: number;
  /** Takes the gradient at weights that a step uphill has moved; at the weights themselves where omitted. */
  readonly weightPerturbation?: WeightPerturbationSpec;
  /** Keeps an average of the weights; none where omitted. */
  readonly average?: AverageSpec;
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
   * The network in evaluation mode, its weights on the engine: the moving average where it is handed out in the end, else
   * those that are trained. They are the training's: they may be used and read until
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
  /** The weights after the last step, or their average where `average` asks for it, in memory; all finite. */
  readonly weights: Weights<NdArray>;
  /** The other ones where an average is kept: of the last step where `weights` are the average, and the reverse. */
  readonly others?: Weights<NdArray>;
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
 */
export async function* train(engine: Engine, options: TrainOptions): AsyncGenerator<TrainEvent, void, void> {
  const { name, model, objective: spec, optimizer, schedule, epochs, batchSize, seed, augment, dataset } = options;
  const { checkpointEvery, batchNormUpdates, mix, labelSmoothing = 0, weightPerturbation, average: averaged } = options;
  const objective = objectiveOf(spec);
  const needs = objective.needs(spec);
  checkOptions(options, needs);
  const teacher = needs.includes("teacher") ? options.teacher : undefined;
  const naturalTeacher = needs.includes("naturalTeacher") ? options.naturalTeacher : undefined;
  const perEpoch = batchesPerEpoch(dataset.ids.length, batchSize);
  const total = epochs * perEpoch;
  if (total > 0) learningRate(schedule, 0, total); // A schedule that cannot be meant is refused before any work.
  checkAverage(averaged, total, perEpoch);
  const first = firstState(options, total);

  const stepWith = (weightPerturbation: WeightPerturbationSpec | undefined) =>
    engine.compile(
      trainingStep({
        model,
        teacher: teacher?.logits,
        naturalTeacher: naturalTeacher?.logits,
        objective: spec,
        optimizer,
        weightPerturbation,
        ...(batchNormUpdates === undefined ? {} : { batchNormUpdates }),
      }),
      { name: `train ${name}` },
    );
  const plain = stepWith(undefined);
  const perturbed = weightPerturbation && stepWith(weightPerturbation);
  const averaging = averaged && engine.compile(moveAverage, { name: `average ${name}` });
  const frozen = teacher === undefined ? undefined : { ...teacher, weights: putTree(engine, teacher.weights) };
  const natural = naturalTeacher === undefined
    ? undefined
    : { ...naturalTeacher, weights: putTree(engine, naturalTeacher.weights) };
  let state: EngineState = putTree(engine, {
    ...first.weights,
    optimizerState: first.optimizerState,
    carried: first.carried,
  });
  let average: Weights<Value> | undefined = averaged && putTree(engine, first.average ?? first.weights);
  let step = first.step;
  let accuracySum = first.accuracySum ?? 0;
  const batchesOf = (epoch: number, from: number) => {
    const choice = { batchSize, rng: rng(seed, "data"), epoch, from, ...(augment === undefined ? {} : { augment }) };
    return "batches" in dataset ? dataset.batches(choice) : trainBatches(dataset, choice);
  };

  try {
    while (step < total) {
      const epoch = Math.floor(step / perEpoch);
      const batches = batchesOf(epoch, step % perEpoch);
      const damaged = "skipped" in batches ? batches.skipped : [];
      let told = 0;
      let asked = performance.now();
      for await (const batch of batches) {
        const waited = (performance.now() - asked) / 1000;
        const { x, y, ids } = targets(batch, mix, labelSmoothing, model.classes, rng(seed, "mix", step));
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
        const program = perturbed !== undefined && step / total >= (weightPerturbation?.from ?? 0) ? perturbed : plain;
        let outputs;
        try {
          outputs = await program({
            ...state,
            teacher: frozen?.weights,
            naturalTeacher: natural?.weights,
            x,
            y,
            xAdv,
            noise: drawRows(ids, rng(seed, "drop", step), (random) => model.noise?.(random)),
            objectiveNoise: drawRows(
              ids,
              rng(seed, "objective", step),
              (random) => objective.noise?.(spec, model, random),
            ),
            learningRate: scalar(rate),
            progress: scalar(step / total),
          });
        } finally {
          disposeTree(xAdv);
        }
        const before = state;
        const { parameters, buffers, optimizerState, carried } = outputs;
        state = { parameters, buffers, optimizerState, carried };
        let read;
        let terms: Readonly<Record<string, number>>;
        try {
          read = await takeTree(engine, { terms: outputs.terms, accuracy: outputs.accuracy });
          const { terms: scalars } = read;
          terms = Object.fromEntries(objective.termNames(spec).map((term) => [term, scalars[term]!.data[0]!]));
          for (const [term, value] of Object.entries(terms)) {
            if (Number.isFinite(value)) continue;
            // A gradient that was not finite shows in the weights one step before it shows in a term.
            checkFinite(await readTree(engine, before), step - 1);
            throw new DivergedError(step, term, value);
          }
        } finally {
          disposeTree(before);
        }
        const share = averaged === undefined ? 0 : averageShare(averaged, step, total, perEpoch);
        if (share > 0) {
          const moved = await averaging!({ average: average!, now: { parameters, buffers }, share: scalar(share) });
          disposeTree(average);
          average = moved;
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
          // What would be handed out; an "swa" has no running statistics before the end.
          const isAverage = averaged?.kind === "ema" && averaged.weights !== "last";
          const classifier = asClassifier(model, "eval", isAverage ? average! : state);
          const mean = accuracySum / perEpoch;
          yield { kind: "epoch", epoch: epoch + 1, total: epochs, done: step, accuracy: mean, classifier };
          accuracySum = 0;
        }
        if (checkpointEvery !== undefined && step % checkpointEvery === 0) {
          yield { kind: "checkpoint", state: { ...await readState(engine, state, average, step), accuracySum } };
        }
        asked = performance.now();
      }
    }
    const last = await readState(engine, state, average, step);
    if (averaged === undefined || last.average === undefined || total === 0) {
      return yield { kind: "end", weights: last.weights };
    }
    let other = last.average;
    if (averaged.kind === "swa") {
      // A last epoch that is not trained on, clean and unmixed.
      const some = statisticsBatches(
        batchesOf(epochs, 0),
        Math.min(averaged.statisticsBatches ?? 100, perEpoch),
        (ids) => drawRows(ids, rng(seed, "drop", total), (random) => model.noise?.(random)),
      );
      other = { ...other, buffers: await estimateStatistics(engine, model, other, some) };
    }
    yield averaged.weights === "last"
      ? { kind: "end", weights: last.weights, others: other }
      : { kind: "end", weights: other, others: last.weights };
  } finally {
    disposeTree(state);
    disposeTree(average);
    disposeNew(frozen?.weights, teacher?.weights);
    disposeNew(natural?.weights, naturalTeacher?.weights);
    plain.dispose();
    perturbed?.dispose();
    averaging?.dispose();
  }
}

/** A batch as it is trained on: mixed, its labels smoothed. */
function targets(
  batch: Batch,
  mix: MixSpec | undefined,
  labelSmoothing: number,
  classes: number,
  random: Rng,
): { readonly x: NdArray<"float32">; readonly y: NdArray; readonly ids: Int32Array } {
  const mixed = mix === undefined ? batch : mixBatch(batch, mix, classes, random);
  return labelSmoothing === 0 ? mixed : { ...mixed, y: smoothLabels(mixed.y, classes, labelSmoothing) };
}

async function* statisticsBatches(
  batches: Iterable<Batch> | AsyncIterable<Batch>,
  count: number,
  noise: (ids: Int32Array) => NdArray | undefined,
): AsyncGenerator<StatisticsBatch> {
  for await (const { x, ids } of batches) {
    yield { x, noise: noise(ids) };
    if (--count === 0) return;
  }
}

/** Random numbers of each image by its own stream [B, n]; undefined where none are drawn. */
function drawRows(
  ids: Int32Array,
  random: Rng,
  draw: (random: Rng) => Float32Array | undefined,
): NdArray | undefined {
  const rows = Array.from(ids, (id) => draw(random.child(id))).filter((row) => row !== undefined);
  if (rows.length === 0) return undefined;
  const count = rows[0]!.length;
  const data = new Float32Array(rows.length * count);
  rows.forEach((row, i) => data.set(row, i * count));
  return float32([rows.length, count], data);
}

/** What lives on the engine between steps. */
interface EngineState {
  readonly parameters: Named<Value>;
  readonly buffers: Named<Value>;
  readonly optimizerState: OptimizerState<Value>;
  readonly carried: Named<Value>;
}

function asClassifier(model: Model, mode: Mode, { parameters, buffers }: Weights<Value>): Classifier {
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
  checkWeightPerturbation(options.weightPerturbation);
  if (options.mix !== undefined) checkMix(options.mix);
  checkSmoothing(options.labelSmoothing ?? 0);
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
  const { name, model, objective, optimizer, seed, initial, average, from } = options;
  const fresh = model.init(rng(seed, "init"));
  const optimizerState = (OPTIMIZERS[optimizer.kind] as Optimizer<OptimizerSpec>).init(optimizer, fresh.parameters);
  const parameters = { ...fresh.parameters, ...initial?.parameters };
  const buffers = { ...fresh.buffers, ...initial?.buffers };
  const carried = objectiveOf(objective).state?.(objective, model, rng(seed, "objective")) ?? {};
  const weights = { parameters, buffers };
  const start: TrainState = from ??
    { step: 0, weights, optimizerState, carried, ...(average === undefined ? {} : { average: weights }) };
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
  compare("optimizer value", flattenSlots(optimizerState), flattenSlots(start.optimizerState));
  compare("carried value", carried, start.carried);
  const kept = average === undefined ? { parameters: {}, buffers: {} } : fresh;
  compare("averaged parameter", kept.parameters, start.average?.parameters ?? {});
  compare("averaged buffer", kept.buffers, start.average?.buffers ?? {});
  return start;
}

/** The state in memory. */
async function readState(
  engine: Engine,
  values: EngineState,
  average: Weights<Value> | undefined,
  step: number,
): Promise<TrainState> {
  const read = await readTree(engine, { ...values, average });
  checkFinite(read, step - 1);
  const { parameters, buffers, optimizerState, carried } = read;
  return {
    step,
    weights: { parameters, buffers },
    optimizerState,
    carried,
    ...(read.average === undefined ? {} : { average: read.average }),
  };
}

/** Disposes of the values that were put for a tree of arrays and values. */
function disposeNew(values: Weights<Value> | undefined, given: Weights<Leaf> | undefined): void {
  for (const group of ["parameters", "buffers"] as const) {
    for (const [key, value] of Object.entries(values?.[group] ?? {})) {
      if (!isValue(given?.[group][key])) value.dispose();
    }
  }
}
