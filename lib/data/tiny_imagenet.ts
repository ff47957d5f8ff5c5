import { DataError } from "../core/mod.ts";
import { folderData } from "./_folder_data.ts";
import { readPlace } from "./_read_place.ts";
import type { ReadImagesOptions } from "./decode_dataset.ts";
import type { OnCorrupt } from "./image_batches.ts";
import { type ImageFolder, type ImagePlace, openImageFolder } from "./image_folder.ts";
import { indexZip } from "./index_zip.ts";
import type { FolderDataset } from "./lazy_dataset.ts";
import type { LoadedData } from "./split.ts";

/** Tiny ImageNet, from files that the user has: 64x64, 200 classes. Training images are decoded while they are used. */
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
   * What is cut out of a training image: all of it, or a part at random as of ImageNet's.
   *
   * @default {"centre"}
   */
  readonly crops?: "random" | "centre";
  /**
   * Number of training images to use, validation included; chosen by a random key of their ids. 0 takes none.
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
  /**
   * What to do about a file that cannot be decoded: stop, or leave it out and tell. In training another image takes its
   * place, see {@linkcode lazyDataset}.
   *
   * @default {"stop"}
   */
  readonly onCorrupt?: OnCorrupt;
}

const FOLDER = "tiny-imagenet-200";
const SIDE = 64;
const ADVICE = `point it at ${FOLDER}.zip or the folder ${FOLDER}`;

/**
 * Reads Tiny ImageNet: `train/<wnid>/images/*.JPEG`, `val/images/*.JPEG` with their classes in `val/val_annotations.txt`,
 * the classes in `wnids.txt` and their names in `words.txt`. Labels are the places of the sorted WordNet ids, as
 * torchvision's image folders have them. The images of `val` are the test images, as those of `test` have no labels.
 *
 * @param path `tiny-imagenet-200.zip`, the folder `tiny-imagenet-200`, or a folder that holds either.
 * @param spec Which images.
 * @param options How they are decoded, and how many are needed.
 * @returns Training images with ids in the order of classes and file names, test images in that of the annotations;
 * [64, 64, 3].
 * @throws {DataError} If files are missing or damaged, or do not fit together.
 * @throws {UsageError} If a number of images is out of range.
 */
export async function readTinyImagenet(
  path: string,
  spec: Omit<TinyImagenetSpec, "kind">,
  options: ReadImagesOptions = {},
): Promise<LoadedData<FolderDataset>> {
  const source = await open(path.replace(/(?<=.)[/\\]+$/, ""));
  const { root } = source;
  const wnids = (await linesOf(source, "wnids.txt")).map((line) => line.trim()).sort();
  const words = new Map((await linesOf(source, "words.txt")).map((line) => line.split("\t") as [string, string]));
  const classes = wnids.map((wnid) => words.get(wnid)?.split(",")[0]?.trim() || wnid);
  const train = async () => {
    const folder = await source.train();
    if (folder.classes.join() === wnids.join()) return { ...folder, classes };
    throw new DataError(
      `Cannot read Tiny ImageNet from "${root}" as train has ${folder.classes.length} folders of classes which are not ` +
        `the ${wnids.length} of wnids.txt: ${ADVICE}`,
    );
  };
  const test = async () => ({ ...await valOf(source, wnids), classes });
  const view = { kind: "centre", size: SIDE, resize: SIDE } as const;
  const views = { train: spec.crops === "random" ? { kind: "random", size: SIDE } as const : view, test: view };
  return await folderData({ train, test }, spec, views, options);
}

/** The files, in a folder or an archive. */
interface Source {
  /** Their folder, for messages. */
  readonly root: string;
  /** Where a file lies, by its path below the folder; undefined where it is known not to be there. */
  readonly place: (name: string) => ImagePlace | undefined;
  readonly train: () => Promise<ImageFolder>;
}

async function open(path: string): Promise<Source> {
  const candidates = /\.zip$/i.test(path) ? [path] : [`${path}/${FOLDER}`, `${path}/${FOLDER}.zip`];
  const found = (await Promise.all(candidates.map((each) => exists(each)))).indexOf(true);
  const root = candidates[found] ?? path;
  const name = "tinyimagenet train";
  if (!/\.zip$/i.test(root)) {
    const place = (file: string) => ({ name: `${root}/${file}`, path: `${root}/${file}` });
    return { root, place, train: () => openImageFolder(`${root}/train`, { name }) };
  }
  const places = new Map((await indexZip(root)).map(({ inside, ...place }) => [inside, place]));
  return {
    root: `${root}/${FOLDER}`,
    place: (file) => places.get(`${FOLDER}/${file}`),
    train: () => openImageFolder(root, { name, inside: `${FOLDER}/train` }),
  };
}

/** The lines of a file that are not empty. */
async function linesOf({ root, place }: Source, name: string): Promise<string[]> {
  const found = place(name);
  if (found === undefined || (found.zip === undefined && !await exists(found.path))) {
    throw new DataError(`Cannot read Tiny ImageNet from "${root}" as ${name} is missing: ${ADVICE}`);
  }
  const text = new TextDecoder().decode(await readPlace(found));
  return text.split(/\r?\n/).filter((line) => line.trim() !== "");
}

/** The images of `val`, labelled by their annotations. */
async function valOf(source: Source, wnids: readonly string[]): Promise<ImageFolder> {
  const file = "val/val_annotations.txt";
  const rows = (await linesOf(source, file)).map((line) => line.split("\t"));
  const labelled = rows.map(([name, wnid], i) => {
    const label = wnids.indexOf(wnid ?? "");
    const place = /^[\w.-]+$/.test(name!) ? source.place(`val/images/${name}`) : undefined;
    if (label >= 0 && place !== undefined) return { label, place };
    throw new DataError(
      `Cannot read "${source.root}/${file}" as line ${i + 1} names ${JSON.stringify(name)} and ${
        JSON.stringify(wnid)
      } where a file and a class of wnids.txt were expected: ${ADVICE}`,
    );
  });
  return {
    name: "tinyimagenet test",
    classes: wnids,
    ids: Int32Array.from(rows.keys()),
    labels: Int32Array.from(labelled, ({ label }) => label),
    places: labelled.map(({ place }) => place),
    ignored: 0,
  };
}

function exists(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, () => false);
}
