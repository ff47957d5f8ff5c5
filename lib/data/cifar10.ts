import { blankImages, type CifarFiles, decodeRecords, readCifarFiles } from "./_cifar_files.ts";
import type { Dataset } from "./dataset.ts";

/** The training and the test images of a data set. */
export interface TrainAndTest {
  /** Images to train on. */
  readonly train: Dataset;
  /** Images to evaluate on. */
  readonly test: Dataset;
}

/** What {@linkcode readCifar10} expects. */
export interface ReadCifar10Options {
  /**
   * Images in each of the six files.
   *
   * @default {10000}
   */
  readonly expectedRecords?: number;
}

/** Names of the classes of CIFAR-10, in the order of its labels. */
export const CIFAR10_CLASSES: readonly string[] = [
  "airplane",
  "automobile",
  "bird",
  "cat",
  "deer",
  "dog",
  "frog",
  "horse",
  "ship",
  "truck",
];

const TRAIN_FILES = [1, 2, 3, 4, 5].map((k) => `data_batch_${k}.bin`);
const ADVICE = 'point it at the "binary version" of CIFAR-10, or run `deno task fetch cifar10`';
const FILES: CifarFiles = {
  name: "CIFAR-10",
  folder: "cifar-10-batches-bin",
  archive: "cifar-10-binary.tar.gz",
  files: [...TRAIN_FILES, "test_batch.bin"],
  advice: ADVICE,
};

/**
 * Reads CIFAR-10 in its binary version: records of one label byte and 3072 bytes, channel by channel.
 *
 * Source: Krizhevsky, "Learning multiple layers of features from tiny images" (2009).
 *
 * @param path The archive (.tar.gz, .tgz, .tar), the folder `cifar-10-batches-bin`, or a folder that holds either.
 * @param options How many images the files must have.
 * @returns Training images with ids from 0 in the order of the files, and test images with ids from 0; NHWC.
 * @throws {DataError} If a file is missing, cut short, of another size, or has a label above 9.
 */
export async function readCifar10(path: string, options: ReadCifar10Options = {}): Promise<TrainAndTest> {
  const { expectedRecords: count = 10_000 } = options;
  const train = blankImages("cifar10 train", CIFAR10_CLASSES, TRAIN_FILES.length * count);
  const test = blankImages("cifar10 test", CIFAR10_CLASSES, count);
  const labels = [{ name: "label", classes: CIFAR10_CLASSES.length }];
  for await (const file of readCifarFiles(path, FILES)) {
    const k = TRAIN_FILES.indexOf(file.name);
    decodeRecords(file, k < 0 ? test : train, { count, labels, take: 0, first: Math.max(0, k) * count }, ADVICE);
  }
  return { train, test };
}
