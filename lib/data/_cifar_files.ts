import { DataError, readTar } from "../core/mod.ts";
import type { Dataset } from "./dataset.ts";

/** The files of one of the CIFAR data sets in its binary version. */
export interface CifarFiles {
  /** Its name in messages. */
  readonly name: string;
  /** Name of its folder. */
  readonly folder: string;
  /** Name of its archive. */
  readonly archive: string;
  /** Names of the files that are needed. */
  readonly files: readonly string[];
  /** What to do where they are missing or damaged. */
  readonly advice: string;
}

/** A file that was read, in the order of the archive or of the list. */
export interface CifarFile {
  /** Its name without a folder. */
  readonly name: string;
  /** Its content. */
  readonly bytes: Uint8Array;
  /** Where it lies, for messages. */
  readonly where: string;
}

/** Reads every needed file once, from the archive, the folder, or a folder that holds either. */
export async function* readCifarFiles(path: string, set: CifarFiles): AsyncGenerator<CifarFile> {
  const source = await locate(path, set);
  const missing = new Set(set.files);
  if (source.archive) {
    for await (const { name, content } of readArchive(source.path)) {
      const base = name.slice(name.lastIndexOf("/") + 1);
      if (!missing.delete(base)) continue;
      yield { name: base, bytes: await content(), where: `${source.path}" ("${name}")`.slice(0, -1) };
      if (missing.size === 0) break;
    }
  } else {
    for (const name of set.files) {
      const where = `${source.path}/${name}`;
      const bytes = await Deno.readFile(where).catch((error) => {
        if (error instanceof Deno.errors.NotFound) return undefined;
        throw error;
      });
      if (bytes === undefined) continue;
      missing.delete(name);
      yield { name, bytes, where };
    }
  }
  if (missing.size > 0) {
    throw new DataError(
      `Cannot read ${set.name} from "${source.path}" as ${[...missing].join(", ")} is missing: ${set.advice}`,
    );
  }
}

/** The folder or archive that a path stands for. */
async function locate(path: string, set: CifarFiles): Promise<{ readonly path: string; readonly archive: boolean }> {
  const info = await statIfExists(path);
  if (info === undefined) throw new DataError(`Cannot read ${set.name} as there is no "${path}": ${set.advice}`);
  if (info.isFile) return { path, archive: true };
  const trimmed = path.replace(/[/\\]+$/, "");
  if (await statIfExists(`${trimmed}/${set.folder}`)) return { path: `${trimmed}/${set.folder}`, archive: false };
  const hasFiles = await Promise.all(set.files.map((name) => statIfExists(`${trimmed}/${name}`)));
  if (hasFiles.every((file) => file === undefined) && await statIfExists(`${trimmed}/${set.archive}`)) {
    return { path: `${trimmed}/${set.archive}`, archive: true };
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

/** Images of 32x32 that are black as yet, with ids from 0. */
export function blankImages(name: string, classes: readonly string[], n: number): Dataset {
  return {
    name,
    classes,
    imageShape: [32, 32, 3],
    ids: Int32Array.from({ length: n }, (_, i) => i),
    images: new Uint8Array(n * 3 * PIXELS),
    labels: new Int32Array(n),
  };
}

const PIXELS = 32 * 32;

/** What the records of a file are. */
export interface CifarRecords {
  /** How many there must be. */
  readonly count: number;
  /** The label bytes before the pixels: how many classes each has, and its name in messages. */
  readonly labels: readonly { readonly name: string; readonly classes: number }[];
  /** Which of them is taken. */
  readonly take: number;
  /** The first image of the data set that they become. */
  readonly first: number;
}

/** Writes the records of a file into a data set: label bytes, then 3072 bytes channel by channel; channels last. */
export function decodeRecords(
  { bytes, where }: CifarFile,
  into: Dataset,
  { count, labels: kinds, take, first }: CifarRecords,
  advice: string,
): void {
  const length = kinds.length + 3 * PIXELS;
  if (bytes.length !== count * length) {
    throw new DataError(
      `Cannot read "${where}" as it has ${bytes.length} bytes where ${count} images of ${length} bytes were ` +
        `expected (${count * length}): it is cut short or of another format; ${advice}`,
    );
  }
  const { images, labels } = into;
  for (let i = 0; i < count; i++) {
    const at = i * length;
    for (const [k, { name, classes }] of kinds.entries()) {
      const label = bytes[at + k]!;
      if (label >= classes) {
        throw new DataError(
          `Cannot read "${where}" as image ${i} has the ${name} ${label} where 0 to ${classes - 1} was expected: ` +
            `it is damaged or of another format; ${advice}`,
        );
      }
    }
    labels[first + i] = bytes[at + take]!;
    let to = (first + i) * 3 * PIXELS;
    const pixels = at + kinds.length;
    for (let pixel = pixels; pixel < pixels + PIXELS; pixel++) {
      images[to++] = bytes[pixel]!;
      images[to++] = bytes[pixel + PIXELS]!;
      images[to++] = bytes[pixel + 2 * PIXELS]!;
    }
  }
}
