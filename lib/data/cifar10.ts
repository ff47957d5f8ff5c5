import { DataError, readTar } from "../core/mod.ts";
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

const FOLDER = "cifar-10-batches-bin";
const ARCHIVE = "cifar-10-binary.tar.gz";
const TRAIN_FILES = [1, 2, 3, 4, 5].map((k) => `data_batch_${k}.bin`);
const FILES = [...TRAIN_FILES, "test_batch.bin"];
const PIXELS = 32 * 32;
const RECORD = 1 + 3 * PIXELS;
const ADVICE = 'point it at the "binary version" of CIFAR-10, or run `deno task fetch cifar10`';

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
  const { expectedRecords: records = 10_000 } = options;
  const source = await locate(path);
  const train = emptyDataset("cifar10 train", TRAIN_FILES.length * records);
  const test = emptyDataset("cifar10 test", records);
  const missing = new Set(FILES);
  const accept = (name: string, bytes: Uint8Array, file: string) => {
    missing.delete(name);
    const k = TRAIN_FILES.indexOf(name);
    decode(bytes, k < 0 ? test : train, Math.max(0, k) * records, records, file);
  };
  if (source.archive) {
    for await (const { name, content } of readArchive(source.path)) {
      const base = name.slice(name.lastIndexOf("/") + 1);
      if (missing.has(base)) accept(base, await content(), `${source.path}" ("${name}")`.slice(0, -1));
      if (missing.size === 0) break;
    }
  } else {
    for (const name of FILES) {
      const bytes = await Deno.readFile(`${source.path}/${name}`).catch((error) => {
        if (error instanceof Deno.errors.NotFound) return undefined;
        throw error;
      });
      if (bytes !== undefined) accept(name, bytes, `${source.path}/${name}`);
    }
  }
  if (missing.size > 0) {
    throw new DataError(
      `Cannot read CIFAR-10 from "${source.path}" as ${[...missing].join(", ")} is missing: ${ADVICE}`,
    );
  }
  return { train, test };
}

/** The folder or archive that a path stands for. */
async function locate(path: string): Promise<{ readonly path: string; readonly archive: boolean }> {
  const info = await statIfExists(path);
  if (info === undefined) throw new DataError(`Cannot read CIFAR-10 as there is no "${path}": ${ADVICE}`);
  if (info.isFile) return { path, archive: true };
  const trimmed = path.replace(/[/\\]+$/, "");
  if (await statIfExists(`${trimmed}/${FOLDER}`)) return { path: `${trimmed}/${FOLDER}`, archive: false };
  const hasFiles = await Promise.all(FILES.map((name) => statIfExists(`${trimmed}/${name}`)));
  if (hasFiles.every((file) => file === undefined) && await statIfExists(`${trimmed}/${ARCHIVE}`)) {
    return { path: `${trimmed}/${ARCHIVE}`, archive: true };
  }
  return { path: trimmed, archive: false };
}

async function statIfExists(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}

async function* readArchive(path: string): ReturnType<typeof readTar> {
  const file = await Deno.open(path);
  const zipped = /\.t?gz$/i.test(path);
  const told = (error: unknown): unknown =>
    zipped && error instanceof TypeError
      ? new DataError(
        `Cannot unpack "${path}" as gzip (${error.message}): it is damaged or cut short; download or copy it again`,
      )
      : error;
  try {
    const bytes = zipped ? file.readable.pipeThrough(new DecompressionStream("gzip")) : file.readable;
    for await (const entry of readTar(bytes, path)) {
      // It is read by who takes it, where no error passes through here.
      yield { ...entry, content: () => entry.content().catch((error) => Promise.reject(told(error))) };
    }
  } catch (error) {
    throw told(error);
  }
}

function emptyDataset(name: string, n: number): Dataset {
  return {
    name,
    classes: CIFAR10_CLASSES,
    imageShape: [32, 32, 3],
    ids: Int32Array.from({ length: n }, (_, i) => i),
    images: new Uint8Array(n * 3 * PIXELS),
    labels: new Int32Array(n),
  };
}

/** Writes the records of one file into a data set, from its image `first` on, channels last. */
function decode(bytes: Uint8Array, into: Dataset, first: number, records: number, file: string): void {
  if (bytes.length !== records * RECORD) {
    throw new DataError(
      `Cannot read "${file}" as it has ${bytes.length} bytes where ${records} images of ${RECORD} bytes were ` +
        `expected (${records * RECORD}): it is cut short or of another format; ${ADVICE}`,
    );
  }
  const { images, labels } = into;
  for (let i = 0; i < records; i++) {
    const at = i * RECORD;
    const label = bytes[at]!;
    if (label > 9) {
      throw new DataError(
        `Cannot read "${file}" as image ${i} has the label ${label} where 0 to 9 was expected: ` +
          `it is damaged or of another format; ${ADVICE}`,
      );
    }
    labels[first + i] = label;
    let to = (first + i) * 3 * PIXELS;
    for (let pixel = at + 1; pixel <= at + PIXELS; pixel++) {
      images[to++] = bytes[pixel]!;
      images[to++] = bytes[pixel + PIXELS]!;
      images[to++] = bytes[pixel + 2 * PIXELS]!;
    }
  }
}
