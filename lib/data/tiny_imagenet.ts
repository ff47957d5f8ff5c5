import { DataError, rng, UsageError } from "../core/mod.ts";
import { keyedOrder } from "./_keyed_order.ts";
import type { TrainAndTest } from "./cifar10.ts";
import { decodeDataset } from "./decode_dataset.ts";
import { type ImageFolder, openImageFolder } from "./image_folder.ts";

/** Tiny ImageNet, from files that the user has: 64x64, 200 classes. */
export interface TinyImagenetSpec {
  /** Which data. */
  readonly kind: "tinyimagenet";
  /** Seed of the validation set and of the choice of images. */
  readonly seed: number;
  /**
   * Number (or fraction below 1) of the training images that are set aside for validation.
   *
   * @default {0}
   */
  readonly validation?: number;
  /**
   * Number of training images to use, validation included; chosen by a random key of their ids. All of them take 1.2 GB
   * of memory; 0 reads none.
   *
   * @default all
   */
  readonly trainCount?: number;
  /**
   * Number of images of `val`, which has labels, to use as test images; chosen by a random key of their ids.
   *
   * @default all
   */
  readonly testCount?: number;
}

const FOLDER = "tiny-imagenet-200";
const SIDE = 64;
const ADVICE = `point it at the folder ${FOLDER}, unpacked`;

/**
 * Reads Tiny ImageNet: `train/<wnid>/images/*.JPEG`, `val/images/*.JPEG` with their classes in `val/val_annotations.txt`,
 * the classes in `wnids.txt` and their names in `words.txt`. Labels are the places of the sorted WordNet ids, as
 * torchvision's image folders have them. The images of `val` are the test images, as those of `test` have no labels.
 *
 * @param path The folder `tiny-imagenet-200`, or a folder that holds it.
 * @param spec Which images.
 * @returns Training images with ids in the order of classes and file names, test images in that of the annotations;
 * [64, 64, 3].
 * @throws {DataError} If files are missing or damaged, or do not fit together.
 * @throws {UsageError} If a number of images is out of range.
 */
export async function readTinyImagenet(
  path: string,
  { seed, trainCount, testCount }: Omit<TinyImagenetSpec, "kind" | "validation">,
): Promise<TrainAndTest> {
  const trimmed = path.replace(/(?<=.)[/\\]+$/, "");
  const inside = await Deno.stat(`${trimmed}/${FOLDER}`).then(({ isDirectory }) => isDirectory, () => false);
  const root = inside ? `${trimmed}/${FOLDER}` : trimmed;
  const wnids = (await linesOf(root, "wnids.txt")).map((line) => line.trim()).sort();
  const words = new Map((await linesOf(root, "words.txt")).map((line) => line.split("\t") as [string, string]));
  const classes = wnids.map((wnid) => words.get(wnid)?.split(",")[0]?.trim() || wnid);

  const train = await openImageFolder(`${root}/train`, { name: "tinyimagenet train" });
  if (train.classes.join() !== wnids.join()) {
    throw new DataError(
      `Cannot read Tiny ImageNet from "${root}" as train has ${train.classes.length} folders of classes which are not ` +
        `the ${wnids.length} of wnids.txt: ${ADVICE}`,
    );
  }
  const test = await valOf(root, wnids);
  const read = async (folder: ImageFolder, count: number | undefined, least: 0 | 1) => {
    const n = folder.ids.length;
    if (count !== undefined && (!Number.isInteger(count) || count < least || count > n)) {
      throw new UsageError(`Cannot take ${count} images of "${folder.name}": write an integer from ${least} to ${n}`);
    }
    const order = keyedOrder(folder.ids, rng(seed, "choose", folder.name)).slice(0, count);
    const view = { kind: "centre", size: SIDE, resize: SIDE } as const;
    return (await decodeDataset({ ...folder, classes }, { view, positions: order.sort((a, b) => a - b) })).dataset;
  };
  return { train: await read(train, trainCount, 0), test: await read(test, testCount, 1) };
}

/** The lines of a file that are not empty. */
async function linesOf(root: string, name: string): Promise<string[]> {
  const text = await Deno.readTextFile(`${root}/${name}`).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) throw error;
    throw new DataError(`Cannot read Tiny ImageNet from "${root}" as ${name} is missing: ${ADVICE}`);
  });
  return text.split(/\r?\n/).filter((line) => line.trim() !== "");
}

/** The images of `val`, labelled by their annotations. */
async function valOf(root: string, wnids: readonly string[]): Promise<ImageFolder> {
  const file = "val/val_annotations.txt";
  const rows = (await linesOf(root, file)).map((line) => line.split("\t"));
  const labels = rows.map(([name, wnid], i) => {
    const label = wnids.indexOf(wnid ?? "");
    if (label >= 0 && /^[\w.-]+$/.test(name!)) return label;
    throw new DataError(
      `Cannot read "${root}/${file}" as line ${i + 1} names ${JSON.stringify(name)} and ${
        JSON.stringify(wnid)
      } where a ` +
        `file and a class of wnids.txt were expected: ${ADVICE}`,
    );
  });
  return {
    name: "tinyimagenet test",
    classes: wnids,
    ids: Int32Array.from(rows.keys()),
    labels: Int32Array.from(labels),
    places: rows.map(([name]) => ({ name: `${root}/val/images/${name}`, path: `${root}/val/images/${name}` })),
    ignored: 0,
  };
}
