import { DataError, type NpyArray, readNpy, UsageError } from "../core/mod.ts";
import type { Dataset } from "./dataset.ts";

/** Which images of CIFAR-10-C or CIFAR-100-C {@linkcode readCifarC} reads. */
export interface ReadCifarCOptions {
  /** Name of the data set in tables: "cifar10c". */
  readonly name: string;
  /** Names of the classes. */
  readonly classes: readonly string[];
  /** What was done to the images: the name of a file without ".npy", such as "fog". */
  readonly corruption: string;
  /** How much of it, 1 to 5. */
  readonly severity: number;
  /**
   * Images of each severity.
   *
   * @default {10000}
   */
  readonly expectedRecords?: number;
}

const SEVERITIES = 5;
const ADVICE =
  "point it at the folder of CIFAR-10-C (or CIFAR-100-C), unpacked, which holds <corruption>.npy and labels.npy";

/**
 * Reads the corrupted test images of CIFAR-10-C, CIFAR-100-C, or of a folder like them: `<corruption>.npy`, uint8 [50000, 32, 32, 3], the
 * test images at severity 1, then 2, to 5; and `labels.npy`, integers [50000]. Only the images asked for are read.
 *
 * Source: Hendrycks and Dietterich, "Benchmarking neural network robustness to common corruptions and perturbations"
 * (2019), and its data.
 *
 * @param path The folder.
 * @param options Which images, and the classes of their labels.
 * @returns The images with ids from 0, which are those of the test images that they were made of; NHWC.
 * @throws {DataError} If a file is missing, damaged or of another shape, or a label is out of range.
 * @throws {UsageError} If the severity is not an integer from 1 to 5, or the corruption no name.
 */
export async function readCifarC(path: string, options: ReadCifarCOptions): Promise<Dataset> {
  const { name, classes, corruption, severity, expectedRecords: count = 10_000 } = options;
  if (!Number.isInteger(severity) || severity < 1 || severity > SEVERITIES) {
    throw new UsageError(`Cannot use the severity ${severity}: write an integer from 1 to ${SEVERITIES}`);
  }
  if (!/^\w+$/.test(corruption)) {
    throw new UsageError(
      `Cannot use the corruption "${corruption}": write the name of a file without ".npy", such as fog`,
    );
  }
  const folder = path.replace(/[/\\]+$/, "");
  const known = await corruptionsIn(folder);
  if (!known.includes(corruption)) {
    throw new DataError(
      `Cannot read "${folder}/${corruption}.npy" as it is not there: use one of ${known.join(", ")}`,
    );
  }
  const rows = { first: (severity - 1) * count, count };
  const read = async (file: string, shape: readonly number[], dtypes: readonly NpyArray["dtype"][]) => {
    const array = await readNpy(`${folder}/${file}`, rows);
    if (array.fileShape.join() === shape.join() && dtypes.includes(array.dtype)) return array.data;
    throw new DataError(
      `Cannot read "${folder}/${file}" as it holds ${array.dtype}[${array.fileShape}] where ` +
        `${dtypes.join(" or ")}[${shape}] was expected: ${ADVICE}`,
    );
  };
  const images = await read(`${corruption}.npy`, [SEVERITIES * count, 32, 32, 3], ["uint8"]) as Uint8Array;
  const labels = Int32Array.from(await read("labels.npy", [SEVERITIES * count], ["uint8", "int32"]));
  const wrong = labels.findIndex((label) => label < 0 || label >= classes.length);
  if (wrong >= 0) {
    throw new DataError(
      `Cannot read "${folder}/labels.npy" as image ${rows.first + wrong} has the label ${labels[wrong]} where ` +
        `0 to ${classes.length - 1} was expected: it is damaged or of another data set; ${ADVICE}`,
    );
  }
  const ids = Int32Array.from({ length: count }, (_, i) => i);
  return {
    name: `${name} ${corruption} ${severity} test`,
    classes,
    imageShape: [32, 32, 3],
    ids,
    images,
    labels,
  };
}

/** The corruptions that a folder has, sorted. */
async function corruptionsIn(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder)).catch((error) => {
    if (error instanceof Deno.errors.NotFound) {
      throw new DataError(`Cannot read corrupted images as there is no "${folder}": ${ADVICE}`);
    }
    if (error instanceof Deno.errors.NotADirectory) {
      throw new DataError(`Cannot read corrupted images from "${folder}" as it is no folder: ${ADVICE}`);
    }
    throw error;
  });
  const names = entries.flatMap(({ name }) => /^(\w+)\.npy$/.exec(name)?.[1] ?? []).sort();
  const corruptions = names.filter((name) => name !== "labels");
  if (corruptions.length === 0 || corruptions.length === names.length) {
    throw new DataError(
      `Cannot read corrupted images from "${folder}" as ${
        corruptions.length === 0 ? "<corruption>" : "labels"
      }.npy is ` +
        `missing: ${ADVICE}`,
    );
  }
  return corruptions;
}
