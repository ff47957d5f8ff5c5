import { DataError } from "../core/mod.ts";
import { folderData } from "./_folder_data.ts";
import { isFlat } from "./_is_flat.ts";
import type { ReadImagesOptions } from "./decode_dataset.ts";
import type { OnCorrupt } from "./image_batches.ts";
import { openImageFolder } from "./image_folder.ts";
import type { FolderDataset } from "./lazy_dataset.ts";
import { openFlatImages } from "./open_flat_images.ts";
import type { ResizeFilter } from "./resize_image.ts";
import type { LoadedData } from "./split.ts";

/**
 * ImageNet (ILSVRC2012), or other images in a folder per class, from files that the user has. Training images are decoded
 * while they are used; those to evaluate on are held in memory as bytes, 150 kB each at 224x224.
 */
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
   * What is cut out of a training image: a part at random, another one in every epoch, of which every second is mirrored
   * (torchvision's `RandomResizedCrop` and `RandomHorizontalFlip`), or the middle, as of images to evaluate on.
   *
   * @default {"random"}
   */
  readonly crops?: "random" | "centre";
  /**
   * Number of training images to use, validation included; chosen by a random key of their ids. 0 takes none.
   *
   * @default all
   */
  readonly trainCount?: number;
  /**
   * Number of images of `val` to use as test images; chosen by a random key of their ids.
   *
   * @default all
   */
  readonly testCount?: number;
  /**
   * What to do about a file that cannot be decoded: stop, or leave it out and tell. In training another image takes its
   * place, see {@linkcode lazyDataset}.
   *
   * @default {"stop"}
   */
  readonly onCorrupt?: OnCorrupt;
}

const NAMES = {
  train: ["train", "train.tar", "ILSVRC2012_img_train.tar"],
  val: ["val", "val.tar", "ILSVRC2012_img_val.tar"],
} as const;

const LABELS = ["val.txt", "LOC_val_solution.csv"];
const DEVKIT = "ILSVRC2012_validation_ground_truth.txt";

/**
 * Reads ImageNet from a folder that holds `val` and, where training images are asked for, `train`: each a folder of class
 * folders or class archives, or the archive `train.tar`, `val.tar` or `ILSVRC2012_img_train.tar`. Where there is a
 * `classes.txt` beside them it says the classes in the order of their labels; else they are the folders' names, sorted.
 *
 * The images of `val` may also lie in one folder or archive, as in `ILSVRC2012_img_val.tar`, where `val.txt` or
 * `LOC_val_solution.csv` beside it labels them ({@linkcode openFlatImages}).
 *
 * @param path The folder.
 * @param spec Size and number of the images.
 * @param options How they are decoded, and how many are needed.
 * @returns Training images to be decoded while they are used; the middle of validation images and of those of `val`.
 * @throws {DataError} If files are missing or damaged.
 * @throws {UsageError} If a number is out of range, or the images would not fit into memory.
 */
export async function readImagenet(
  path: string,
  spec: Omit<ImagenetSpec, "kind">,
  options: ReadImagesOptions = {},
): Promise<LoadedData<FolderDataset>> {
  const { size = 224, filter = "bilinear", classes: expected = 1000, crops = "random" } = spec;
  const view = { kind: "centre", size, resize: spec.resize ?? Math.round(size * 256 / 224), filter } as const;
  const root = path.replace(/(?<=.)[/\\]+$/, "");
  const list = `${root}/classes.txt`;
  const classes = await exists(list) ? { classList: list } : {};

  const open = async (part: "train" | "val", name: string) => {
    const found = await firstOf(root, NAMES[part]);
    if (found === undefined) {
      throw new DataError(
        `Cannot read ImageNet from "${root}" as there is no ${NAMES[part].join(", ")} in it: ` +
          "pass --data with the folder that holds a folder per class in train and val",
      );
    }
    const folder = part === "val" && await isFlat(found)
      ? await openFlatImages(found, { name, ...classes, labels: await labelsOf(root, found) })
      : await openImageFolder(found, { name, ...classes });
    if (folder.classes.length === expected) return folder;
    throw new DataError(
      `Cannot read ImageNet from "${found}" as it has ${folder.classes.length} classes where ${expected} were ` +
        `expected: write "classes": ${folder.classes.length} in the data's spec, or list all in "${list}", one per line`,
    );
  };
  const parts = { train: () => open("train", "imagenet train"), test: () => open("val", "imagenet test") };
  const views = { train: crops === "centre" ? view : { kind: "random", size, filter } as const, test: view };
  return await folderData(parts, spec, views, options);
}

/** The file that labels the images of a folder or archive without classes. */
async function labelsOf(root: string, images: string): Promise<string> {
  const found = await firstOf(root, LABELS);
  if (found !== undefined) return found;
  const devkit = await exists(`${root}/${DEVKIT}`)
    ? ` ("${DEVKIT}" does not do, as it numbers the classes in the order of the devkit's meta.mat)`
    : "";
  throw new DataError(
    `Cannot label the images of "${images}" as they have no class folders and there is no ${LABELS.join(" or ")} in ` +
      `"${root}"${devkit}: write a line per image there, "ILSVRC2012_val_00000001.JPEG n01751748"`,
  );
}

async function firstOf(root: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) if (await exists(`${root}/${name}`)) return `${root}/${name}`;
  return undefined;
}

function exists(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, () => false);
}
