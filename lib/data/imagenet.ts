import { DataError, rng, UsageError } from "../core/mod.ts";
import { keyedOrder } from "./_keyed_order.ts";
import type { TrainAndTest } from "./cifar10.ts";
import { decodeDataset } from "./decode_dataset.ts";
import type { OnCorrupt, SkippedImage } from "./image_batches.ts";
import { openImageFolder } from "./image_folder.ts";
import type { ResizeFilter } from "./resize_image.ts";

/** ImageNet (ILSVRC2012), or other images in a folder per class, from files that the user has; held in memory. */
export interface ImagenetSpec {
  /** Which data. */
  readonly kind: "imagenet";
  /** Seed of the validation set and of the choice of images. */
  readonly seed: number;
  /**
   * Number of classes, to be checked.
   *
   * @default {1000}
   */
  readonly classes?: number;
  /**
   * Side of the images, in pixels.
   *
   * @default {224}
   */
  readonly size?: number;
  /**
   * The shorter side is resized to this many pixels before the middle is cut out.
   *
   * @default round(size * 256 / 224)
   */
  readonly resize?: number;
  /**
   * Weights of the resizing.
   *
   * @default {"bilinear"}
   */
  readonly filter?: ResizeFilter;
  /**
   * Number (or fraction below 1) of the training images that are set aside for validation.
   *
   * @default {0}
   */
  readonly validation?: number;
  /**
   * Number of training images to use (the middle of each), validation included; chosen by a random key of their ids.
   *
   * @default {0}
   */
  readonly trainCount?: number;
  /**
   * Number of images of `val` to use as test images; chosen by a random key of their ids.
   *
   * @default all
   */
  readonly testCount?: number;
  /**
   * What to do about a file that cannot be decoded.
   *
   * @default {"stop"}
   */
  readonly onCorrupt?: OnCorrupt;
}

/** How {@linkcode readImagenet} reads. */
export interface ReadImagenetOptions {
  /** Told of every damaged file that was left out. */
  readonly onSkipped?: (image: SkippedImage) => void;
  /**
   * Threads that decode.
   *
   * @default one per processor, eight at most
   */
  readonly workers?: number;
}

const NAMES = {
  train: ["train", "train.tar", "ILSVRC2012_img_train.tar"],
  val: ["val", "val.tar"],
} as const;

/**
 * Reads ImageNet from a folder that holds `val` and, where training images are asked for, `train`: each a folder of class
 * folders or class archives, or the archive `train.tar`, `val.tar` or `ILSVRC2012_img_train.tar`. Where there is a
 * `classes.txt` beside them it says the classes in the order of their labels; else they are the folders' names, sorted.
 *
 * @param path The folder.
 * @param spec Size and number of the images.
 * @param options How they are decoded.
 * @returns The middle of training images and of those of `val`, in the order of the folders.
 * @throws {DataError} If files are missing or damaged.
 * @throws {UsageError} If a number is out of range, or the images would not fit into memory.
 */
export async function readImagenet(
  path: string,
  spec: ImagenetSpec,
  options: ReadImagenetOptions = {},
): Promise<TrainAndTest> {
  const { size = 224, filter = "bilinear", trainCount = 0, classes: expected = 1000, seed, onCorrupt = "stop" } = spec;
  const view = { kind: "centre", size, resize: spec.resize ?? Math.round(size * 256 / 224), filter } as const;
  const root = path.replace(/(?<=.)[/\\]+$/, "");
  const list = `${root}/classes.txt`;
  const classes = await exists(list) ? { classList: list } : {};

  const read = async (part: "train" | "val", name: string, count: number | undefined) => {
    const found = await firstOf(NAMES[part].map((file) => `${root}/${file}`));
    if (found === undefined) {
      throw new DataError(
        `Cannot read ImageNet from "${root}" as there is no ${NAMES[part].join(", ")} in it: ` +
          "pass --data with the folder that holds a folder per class in train and val",
      );
    }
    const folder = await openImageFolder(found, { name, ...classes });
    const n = folder.ids.length;
    if (folder.classes.length !== expected) {
      throw new DataError(
        `Cannot read ImageNet from "${found}" as it has ${folder.classes.length} classes where ${expected} were ` +
          `expected: write "classes": ${folder.classes.length} in the data's spec, or list all in "${list}", one per line`,
      );
    }
    if (count !== undefined && (!Number.isInteger(count) || count < 1 || count > n)) {
      throw new UsageError(`Cannot take ${count} images of "${name}": write an integer from 1 to ${n}`);
    }
    const positions = keyedOrder(folder.ids, rng(seed, "choose", name)).slice(0, count).sort((a, b) => a - b);
    const { workers, onSkipped } = options;
    const { dataset, skipped } = await decodeDataset(folder, {
      view,
      positions,
      onCorrupt,
      ...(workers === undefined ? {} : { workers }),
    });
    for (const image of skipped) onSkipped?.(image);
    return dataset;
  };
  const test = await read("val", "imagenet test", spec.testCount);
  if (trainCount === 0) {
    const none = { ids: new Int32Array(0), labels: new Int32Array(0), images: new Uint8Array(0) };
    return { train: { ...test, name: "imagenet train", ...none }, test };
  }
  const train = await read("train", "imagenet train", trainCount);
  if (train.classes.join("\n") !== test.classes.join("\n")) {
    throw new DataError(
      `Cannot read ImageNet from "${root}" as train has ${train.classes.length} class folders and val others ` +
        `(${test.classes.length}): write the classes of both into "${list}", one per line`,
    );
  }
  return { train, test };
}

async function firstOf(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await exists(path)) return path;
  return undefined;
}

function exists(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, () => false);
}
