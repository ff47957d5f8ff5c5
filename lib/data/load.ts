import { DataError, rng, UsageError } from "../core/mod.ts";
import { keyedOrder } from "./_keyed_order.ts";
import { readCifar10, type ReadCifar10Options, type TrainAndTest } from "./cifar10.ts";
import { type Dataset, subset } from "./dataset.ts";
import { shapes, type ShapesOptions } from "./shapes.ts";
import { type Split, validationSplit } from "./split.ts";

/** Data of an experiment. */
export type DataSpec = ShapesSpec | Cifar10Spec;

/** Images drawn by {@linkcode shapes}. */
export interface ShapesSpec extends ShapesOptions {
  /** Which data. */
  readonly kind: "shapes";
  /**
   * Number (or fraction below 1) of the training images that are set aside for validation.
   *
   * @default {0}
   */
  readonly validation?: number;
}

/** CIFAR-10, from files that the user has. */
export interface Cifar10Spec {
  /** Which data. */
  readonly kind: "cifar10";
  /** Seed of the validation set and of the choice of images. */
  readonly seed: number;
  /**
   * Number (or fraction below 1) of the training images that are set aside for validation.
   *
   * @default {0}
   */
  readonly validation?: number;
  /**
   * Number of training images to use, validation included; chosen by a random key of their ids.
   *
   * @default all
   */
  readonly trainCount?: number;
  /**
   * Number of test images to use; chosen by a random key of their ids.
   *
   * @default all
   */
  readonly testCount?: number;
}

/** Images of an experiment. */
export interface LoadedData extends Split {
  /** Images to evaluate on; no choice may depend on them. */
  readonly test: Dataset;
}

/** Where data lie on this machine. */
export interface LoadDataOptions extends ReadCifar10Options {
  /** The file or folder of data that are not drawn by the program. */
  readonly path?: string;
}

/**
 * Loads the data of an experiment.
 *
 * @param spec Which data.
 * @param options Where they lie.
 * @returns Images to train on, to choose on (none where the spec does not ask for them) and to evaluate on.
 * @throws {DataError} If files are needed and missing or damaged.
 * @throws {UsageError} If a number in the spec is out of range.
 */
export async function loadData(spec: DataSpec, options: LoadDataOptions = {}): Promise<LoadedData> {
  const load = SOURCES[spec.kind] as (spec: DataSpec, options: LoadDataOptions) => Promise<TrainAndTest>;
  const { train, test } = await load(spec, options);
  return { ...validationSplit(train, spec.validation ?? 0, spec.seed), test };
}

const SOURCES: {
  readonly [K in DataSpec["kind"]]: (
    spec: Extract<DataSpec, { kind: K }>,
    options: LoadDataOptions,
  ) => Promise<TrainAndTest>;
} = {
  shapes: (spec) => Promise.resolve(shapes(spec)),
  cifar10: async (spec, options) => {
    if (options.path === undefined) {
      throw new DataError(
        "Cannot load CIFAR-10 as no path was given: pass --data PATH, or run `deno task fetch cifar10` first",
      );
    }
    const { train, test } = await readCifar10(options.path, options);
    return { train: choose(train, spec.trainCount, spec.seed), test: choose(test, spec.testCount, spec.seed) };
  },
};

/** The first images by the order of their keys, in the order of the data set. */
function choose(dataset: Dataset, count: number | undefined, seed: number): Dataset {
  if (count === undefined) return dataset;
  const n = dataset.ids.length;
  if (!Number.isInteger(count) || count < 1 || count > n) {
    throw new UsageError(`Cannot take ${count} images of "${dataset.name}": write an integer from 1 to ${n}`);
  }
  const order = keyedOrder(dataset.ids, rng(seed, "choose", dataset.name));
  return subset(dataset, order.slice(0, count).sort((a, b) => a - b));
}
