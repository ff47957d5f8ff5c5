import { DataError } from "../core/mod.ts";
import { chosenPositions } from "./_chosen_positions.ts";
import { CIFAR10_CLASSES, readCifar10, type ReadCifar10Options, type TrainAndTest } from "./cifar10.ts";
import { CIFAR100_CLASSES, readCifar100 } from "./cifar100.ts";
import { readCifarC } from "./cifar_c.ts";
import { type Dataset, subset, withImages } from "./dataset.ts";
import type { ReadImagesOptions } from "./decode_dataset.ts";
import { type ImagenetSpec, readImagenet } from "./imagenet.ts";
import { shapes, type ShapesOptions } from "./shapes.ts";
import { type LoadedData, validationSplit } from "./split.ts";
import { readTinyImagenet, type TinyImagenetSpec } from "./tiny_imagenet.ts";

/** Data of an experiment. */
export type DataSpec = HeldDataSpec | ImagenetSpec | TinyImagenetSpec;

/** Data whose training images are held in memory. */
export type HeldDataSpec = ShapesSpec | Cifar10Spec | Cifar100Spec | Cifar10CSpec | Cifar100CSpec;

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

/** Corrupted test images of CIFAR-100, of its 100 classes. */
export interface Cifar100CSpec extends Omit<Cifar10CSpec, "kind"> {
  /** Which data. */
  readonly kind: "cifar100c";
}

/** Where data lie on this machine. */
export interface LoadDataOptions extends ReadCifar10Options, ReadImagesOptions {
  /** The file or folder of data that are not drawn by the program. */
  readonly path?: string;
}

/** Loads data whose training images are held in memory; see below. */
export function loadData(spec: HeldDataSpec, options?: LoadDataOptions): Promise<LoadedData<Dataset>>;
/**
 * Loads the data of an experiment. A notebook shows the first images of each part.
 *
 * @param spec Which data.
 * @param options Where they lie, and what of them is needed.
 * @returns Images to train on, to choose on (none where the spec does not ask for them) and to evaluate on.
 * @throws {DataError} If files are needed and missing or damaged.
 * @throws {UsageError} If a number in the spec is out of range.
 */
export function loadData(spec: DataSpec, options?: LoadDataOptions): Promise<LoadedData>;
export async function loadData(spec: DataSpec, options: LoadDataOptions = {}): Promise<LoadedData> {
  const load = SOURCES[spec.kind] as (spec: DataSpec, options: LoadDataOptions) => Promise<LoadedData>;
  const data = await load(spec, options);
  for (const part of [data.train, data.validation, data.test]) if ("images" in part) withImages(part);
  return data;
}

const SOURCES: {
  readonly [K in DataSpec["kind"]]: (
    spec: Extract<DataSpec, { kind: K }>,
    options: LoadDataOptions,
  ) => Promise<LoadedData>;
} = {
  shapes: (spec) => Promise.resolve(held(shapes(spec), spec)),
  cifar10: async (spec, options) => {
    const path = pathOf(options, "CIFAR-10", "or run `deno task fetch cifar10` first");
    return held(chosen(await readCifar10(path, options), spec), spec);
  },
  cifar100: async (spec, options) => {
    const path = pathOf(options, "CIFAR-100", "or run `deno task fetch cifar100` first");
    const { labels = "fine" } = spec;
    return held(chosen(await readCifar100(path, { ...options, labels }), spec), spec);
  },
  cifar10c: (spec, options) => corrupted(spec, options, "CIFAR-10-C", CIFAR10_CLASSES),
  cifar100c: (spec, options) => corrupted(spec, options, "CIFAR-100-C", CIFAR100_CLASSES),
  imagenet: async (spec, options) => {
    return await readImagenet(pathOf(options, "ImageNet", "a folder with val (and train)"), spec, options);
  },
  tinyimagenet: async (spec, options) => {
    const path = pathOf(options, "Tiny ImageNet", "tiny-imagenet-200.zip or the folder tiny-imagenet-200");
    return await readTinyImagenet(path, spec, options);
  },
};

/** Every kind of data, as a spec names it. */
export const DATA_KINDS: readonly DataSpec["kind"][] = Object.keys(SOURCES) as DataSpec["kind"][];

function pathOf({ path }: LoadDataOptions, name: string, advice: string): string {
  if (path !== undefined) return path;
  throw new DataError(`Cannot load ${name} as no path was given: pass --data PATH, ${advice}`);
}

/** Sets validation images aside. */
function held({ train, test }: TrainAndTest, { validation = 0, seed }: Pick<Cifar10Spec, "validation" | "seed">) {
  return { ...validationSplit(train, validation, seed), test };
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
  return count === undefined ? dataset : subset(dataset, chosenPositions(dataset, count, seed));
}

/** Corrupted test images. */
async function corrupted(
  { kind, corruption, severity, seed, testCount }: Cifar10CSpec | Cifar100CSpec,
  options: LoadDataOptions,
  name: string,
  classes: readonly string[],
): Promise<LoadedData<Dataset>> {
  const path = pathOf(options, name, "a folder of <corruption>.npy and labels.npy");
  const all = await readCifarC(path, { ...options, name: kind, classes, corruption, severity });
  return held({ train: subset(all, [], `${kind} train`), test: choose(all, testCount, seed) }, { seed });
}
