import { DataError } from "../core/mod.ts";
import { blankImages, type CifarFile, type CifarFiles, decodeRecords, readCifarFiles } from "./_cifar_files.ts";
import type { TrainAndTest } from "./cifar10.ts";

/** Which labels of CIFAR-100, and what {@linkcode readCifar100} expects. */
export interface ReadCifar100Options {
  /**
   * The 100 classes, or the 20 superclasses of five classes each.
   *
   * @default {"fine"}
   */
  readonly labels?: "fine" | "coarse";
  /**
   * Images of test.bin; train.bin has five times as many.
   *
   * @default {10000}
   */
  readonly expectedRecords?: number;
}

const ADVICE = 'point it at the "binary version" of CIFAR-100, or run `deno task fetch cifar100`';
const LABELS = [{ name: "coarse label", classes: 20 }, { name: "fine label", classes: 100 }] as const;
const NAMES = ["coarse_label_names.txt", "fine_label_names.txt"] as const;
const FILES: CifarFiles = {
  name: "CIFAR-100",
  folder: "cifar-100-binary",
  archive: "cifar-100-binary.tar.gz",
  files: ["train.bin", "test.bin", ...NAMES],
  advice: ADVICE,
};

/** Names of the 100 classes, in the order of the labels, as `fine_label_names.txt` has them. */
export const CIFAR100_CLASSES: readonly string[] = (
  "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can " +
  "castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin " +
  "elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster " +
  "man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck " +
  "pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk " +
  "skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger " +
  "tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm"
).split(" ");

/**
 * Reads CIFAR-100 in its binary version: records of a byte of the coarse label, one of the fine label, and 3072 bytes,
 * channel by channel; the names of the classes one per line.
 *
 * Source: Krizhevsky, "Learning multiple layers of features from tiny images" (2009).
 *
 * @param path The archive (.tar.gz, .tgz, .tar), the folder `cifar-100-binary`, or a folder that holds either.
 * @param options Which labels, and how many images the files must have.
 * @returns Training images and test images, each with ids from 0 in the order of its file; NHWC.
 * @throws {DataError} If a file is missing, cut short, of another size, or has a label or names out of range.
 */
export async function readCifar100(path: string, options: ReadCifar100Options = {}): Promise<TrainAndTest> {
  const { labels = "fine", expectedRecords = 10_000 } = options;
  const take = labels === "coarse" ? 0 : 1;
  const train = blankImages("cifar100 train", [], 5 * expectedRecords);
  const test = blankImages("cifar100 test", [], expectedRecords);
  let classes: readonly string[] = [];
  for await (const file of readCifarFiles(path, FILES)) {
    const names = (NAMES as readonly string[]).indexOf(file.name);
    if (names >= 0) {
      const all = namesOf(file, LABELS[names]!.classes);
      if (names === take) classes = all;
      continue;
    }
    const into = file.name === "train.bin" ? train : test;
    decodeRecords(file, into, { count: into.ids.length, labels: LABELS, take, first: 0 }, ADVICE);
  }
  return { train: { ...train, classes }, test: { ...test, classes } };
}

/** The names of a file, one per line. */
function namesOf({ bytes, where }: CifarFile, classes: number): string[] {
  const names = new TextDecoder().decode(bytes).split("\n").map((line) => line.trim()).filter((line) => line !== "");
  if (names.length === classes && new Set(names).size === classes) return names;
  throw new DataError(
    `Cannot read "${where}" as it has ${new Set(names).size} names of classes where ${classes} were expected: ` +
      `it is damaged or of another format; ${ADVICE}`,
  );
}
