import { DataError, rng, UsageError } from "../core/mod.ts";
import { keyedOrder } from "./_keyed_order.ts";
import { CIFAR10_CLASSES, readCifar10, type ReadCifar10Options, type TrainAndTest } from "./cifar10.ts";
import { readCifar100 } from "./cifar100.ts";
import { readCifarC } from "./cifar_c.ts";
import { type Dataset, subset } from "./dataset.ts";
import { type ImagenetSpec, readImagenet, type ReadImagenetOptions } from "./imagenet.ts";
import { shapes, type ShapesOptions } from "./shapes.ts";
import { type Split, validationSplit } from "./split.ts";
import { readTinyImagenet, type TinyImagenetSpec } from "./tiny_imagenet.ts";

/** Data of an experiment. */
export type DataSpec = ShapesSpec | Cifar10Spec | Cifar100Spec | Cifar10CSpec | ImagenetSpec | TinyImagenetSpec;

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

/** CIFAR-100, from files that the user has. */
export interface Cifar100Spec extends Omit<Cifar10Spec, "kind"> {
  /** Which data. */
  readonly kind: "cifar100";
  /**
   * The 100 classes, or the 20 superclasses.
   *
   * @default {"fine"}
   */
  readonly labels?: "fine" | "coarse";
}

/** Corrupted test images of CIFAR-10, from files that the user has: to evaluate on, none to train on. */
export interface Cifar10CSpec {
  /** Which data. */
  readonly kind: "cifar10c";
  /** Seed of the choice of images. */
  readonly seed: number;
  /** What was done to the images: the name of a file without ".npy", such as "fog". */
  readonly corruption: string;
  /** How much of it, 1 to 5. */
  readonly severity: number;
  /**
   * Number of images to use; chosen by a random key of their ids.
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
export interface LoadDataOptions extends ReadCifar10Options, ReadImagenetOptions {
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
  const validation = "validation" in spec ? spec.validation ?? 0 : 0;
  return { ...validationSplit(train, validation, spec.seed), test };
}

const SOURCES: {
  readonly [K in DataSpec["kind"]]: (
    spec: Extract<DataSpec, { kind: K }>,
    options: LoadDataOptions,
  ) => Promise<TrainAndTest>;
} = {
  shapes: (spec) => Promise.resolve(shapes(spec)),
  cifar10: async (spec, options) => {
    const path = pathOf(options, "CIFAR-10", "or run `deno task fetch cifar10` first");
    return chosen(await readCifar10(path, options), spec);
  },
  cifar100: async (spec, options) => {
    const path = pathOf(options, "CIFAR-100", "or run `deno task fetch cifar100` first");
    const { labels = "fine" } = spec;
    return chosen(await readCifar100(path, { ...options, labels }), spec);
  },
  cifar10c: async (spec, options) => {
    const path = pathOf(options, "CIFAR-10-C", "a folder of <corruption>.npy and labels.npy");
    const { corruption, severity, seed, testCount } = spec;
    const all = { name: "cifar10c", classes: CIFAR10_CLASSES, corruption, severity };
    const test = choose(await readCifarC(path, { ...options, ...all }), testCount, seed);
    return { train: subset(test, [], "cifar10c train"), test };
  },
  imagenet: async (spec, options) => {
    return await readImagenet(pathOf(options, "ImageNet", "a folder with val (and train)"), spec, options);
  },
  tinyimagenet: async (spec, options) =>
    await readTinyImagenet(pathOf(options, "Tiny ImageNet", "the folder tiny-imagenet-200"), spec),
};

/** Every kind of data, as a spec names it. */
export const DATA_KINDS: readonly DataSpec["kind"][] = Object.keys(SOURCES) as DataSpec["kind"][];

function pathOf({ path }: LoadDataOptions, name: string, advice: string): string {
  if (path !== undefined) return path;
  throw new DataError(`Cannot load ${name} as no path was given: pass --data PATH, ${advice}`);
}

/** The images of both parts that a spec asks for. */
function chosen(
  { train, test }: TrainAndTest,
  { trainCount, testCount, seed }: Pick<Cifar10Spec, "trainCount" | "testCount" | "seed">,
): TrainAndTest {
  return { train: choose(train, trainCount, seed), test: choose(test, testCount, seed) };
}

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
