import { DataError } from "../core/mod.ts";
import { IMAGE } from "./_image_name.ts";
import { type ClassList, readClassList } from "./_class_list.ts";
import { indexTar } from "./index_tar.ts";
import { indexZip } from "./index_zip.ts";

/** Where the file of an image lies. */
export interface ImagePlace {
  /** Its name for people: the path, inside an archive too. */
  readonly name: string;
  /** The file on the disk. */
  readonly path: string;
  /** Its first byte there, in an archive; of a .zip file, the first byte of its header. */
  readonly offset?: number;
  /** Its length there, in an archive. */
  readonly size?: number;
  /** How the archive keeps it, where that is a .zip file. */
  readonly zip?: "stored" | "deflated";
}

/** Labelled images on the disk, not yet read. */
export interface ImageFolder {
  /** Name for tables and messages. */
  readonly name: string;
  /** Names of the classes; a label is an index into it. */
  readonly classes: readonly string[];
  /** Id of each image, [N]: its place from 0 in the order of classes and file names. */
  readonly ids: Int32Array;
  /** Classes, [N]. */
  readonly labels: Int32Array;
  /** Where each image lies, [N]. */
  readonly places: readonly ImagePlace[];
  /** Files that were left out as their names are not those of images. */
  readonly ignored: number;
}

/** How {@linkcode openImageFolder} reads a folder. */
export interface OpenImageFolderOptions {
  /**
   * Name for tables and messages.
   *
   * @default the path
   */
  readonly name?: string;
  /**
   * A text file with a class per line, in the order of the labels: the folder's name and, after white space, a name for
   * people.
   *
   * @default the names of the folders, sorted
   */
  readonly classList?: string;
  /**
   * Path of the class folders inside a .zip archive.
   *
   * @default {""}
   */
  readonly inside?: string;
}

const TAR = /\.tar$/i;
const ZIP = /\.zip$/i;
const LAYOUT = "a folder (or .tar) per class was expected, with .jpg, .jpeg or .png files";

/**
 * Lists the images of a data set that has a folder per class, without reading them: a folder of class folders or of
 * class archives (.tar), one .tar archive that holds either, as ImageNet's does, or one .zip archive of class folders.
 *
 * Source: torchvision, `datasets/folder.py` (`ImageFolder`): the same order of classes and of images.
 *
 * @param path The folder or archive.
 * @param options Name and class list.
 * @returns Classes, labels and places.
 * @throws {DataError} If it is missing, holds no image, or a class is no folder or not in the list.
 */
export async function openImageFolder(path: string, options: OpenImageFolderOptions = {}): Promise<ImageFolder> {
  const root = path.replace(/(?<=.)[/\\]+$/, "");
  const { name = root, classList, inside = "" } = options;
  const info = await Deno.stat(root).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new DataError(`Cannot read images from "${root}" as there is no such file or folder: ${LAYOUT}`);
  });
  const classesOf = !info.isFile
    ? classesOfFolder
    : TAR.test(root)
    ? classesOfTar
    : ZIP.test(root)
    ? classesOfZip
    : undefined;
  if (classesOf === undefined) {
    throw new DataError(
      `Cannot read images from "${root}" as it is neither a folder nor a .tar or .zip file: unpack it first`,
    );
  }
  const { folders, ignored } = await classesOf(root, inside);
  const list = classList === undefined ? undefined : await readClassList(classList);
  if (list !== undefined) await checkFolders(root, folders, list, classList!);
  const names = [...folders.keys()].sort();
  const labels: number[] = [];
  const places: ImagePlace[] = [];
  for (const [label, folder] of (list?.folders ?? names).entries()) {
    for (const place of folders.get(folder) ?? []) {
      places.push(place);
      labels.push(label);
    }
  }
  if (places.length === 0) {
    throw new DataError(
      `Cannot read images from "${root}" as none was found (${ignored} other files, ${names.length} folders): ${LAYOUT}`,
    );
  }
  return {
    name,
    classes: list?.names ?? names,
    ids: Int32Array.from(places.keys()),
    labels: Int32Array.from(labels),
    places,
    ignored,
  };
}

/** Images by the folder that names their class. */
interface Classes {
  readonly folders: ReadonlyMap<string, readonly ImagePlace[]>;
  readonly ignored: number;
}

async function classesOfFolder(root: string): Promise<Classes> {
  const folders = new Map<string, readonly ImagePlace[]>();
  let ignored = 0;
  for (const { name, folder } of await entriesOf(root)) {
    if (!folder && !TAR.test(name)) {
      ignored++;
      continue;
    }
    const path = `${root}/${name}`;
    const found = folder ? await imagesBelow(path) : await imagesOfTar(path);
    folders.set(folder ? name : name.replace(TAR, ""), found.places);
    ignored += found.ignored;
  }
  return { folders, ignored };
}

/** An archive of class folders below a path inside it. */
async function classesOfZip(path: string, below: string): Promise<Classes> {
  const folders = new Map<string, ImagePlace[]>();
  let ignored = 0;
  const prefix = below === "" ? "" : `${below}/`;
  const files = (await indexZip(path)).filter(({ inside }) => inside.startsWith(prefix));
  for (const { inside, ...place } of files.sort((a, b) => a.inside < b.inside ? -1 : 1)) {
    const [folder = "", ...rest] = inside.slice(prefix.length).split("/");
    if (rest.length === 0 || !IMAGE.test(inside)) ignored++;
    else if (folders.has(folder)) folders.get(folder)!.push(place);
    else folders.set(folder, [place]);
  }
  return { folders, ignored };
}

interface Images {
  readonly places: readonly ImagePlace[];
  readonly ignored: number;
}

async function imagesBelow(folder: string): Promise<Images> {
  const entries = await entriesOf(folder);
  const files = entries.filter((entry) => !entry.folder);
  const images = files.filter(({ name }) => IMAGE.test(name));
  const places = images.map(({ name }): ImagePlace => {
    const path = `${folder}/${name}`;
    return { name: path, path }; // one string, as there may be millions
  });
  let ignored = files.length - images.length;
  for (const { name } of entries.filter((entry) => entry.folder)) {
    const below = await imagesBelow(`${folder}/${name}`);
    places.push(...below.places);
    ignored += below.ignored;
  }
  return { places, ignored };
}

/** Files and folders in a folder, by name; links count as what they lead to. */
async function entriesOf(folder: string): Promise<{ readonly name: string; readonly folder: boolean }[]> {
  const entries: { name: string; folder: boolean }[] = [];
  for await (const { name, isDirectory, isSymlink } of Deno.readDir(folder)) {
    const isFolder = isSymlink ? (await Deno.stat(`${folder}/${name}`)).isDirectory : isDirectory;
    entries.push({ name, folder: isFolder });
  }
  return entries.sort((a, b) => a.name < b.name ? -1 : 1);
}

async function imagesOfTar(path: string, within?: Awaited<ReturnType<typeof indexTar>>[number]): Promise<Images> {
  const files = await indexTar(path, within);
  const inside = within === undefined ? path : `${path}/${within.name}`;
  const images = files.filter(({ name }) => IMAGE.test(name)).sort((a, b) => a.name < b.name ? -1 : 1);
  const places = images.map(({ name, offset, size }) => ({ name: `${inside}/${name}`, path, offset, size }));
  return { places, ignored: files.length - images.length };
}

/** An archive of class archives, or of class folders. */
async function classesOfTar(path: string): Promise<Classes> {
  const folders = new Map<string, ImagePlace[]>();
  let ignored = 0;
  for (const file of (await indexTar(path)).sort((a, b) => a.name < b.name ? -1 : 1)) {
    const parts = file.name.split("/");
    const last = parts.at(-1)!;
    if (TAR.test(last)) {
      const found = await imagesOfTar(path, file);
      folders.set(last.replace(TAR, ""), [...found.places]);
      ignored += found.ignored;
    } else if (IMAGE.test(last) && parts.length > 1) {
      const folder = parts.at(-2)!;
      const places = folders.get(folder) ?? [];
      places.push({ name: `${path}/${file.name}`, path, offset: file.offset, size: file.size });
      folders.set(folder, places);
    } else {
      ignored++;
    }
  }
  return { folders, ignored };
}

async function checkFolders(root: string, found: Classes["folders"], list: ClassList, path: string): Promise<void> {
  const known = new Set(list.folders);
  const stranger = [...found.keys()].find((folder) => !known.has(folder));
  if (stranger !== undefined) {
    throw new DataError(
      `Cannot label the images of "${root}/${stranger}" as "${path}" has no line for "${stranger}": ` +
        "add it, or take another class list",
    );
  }
  for (const folder of list.folders) {
    if (found.has(folder)) continue;
    const info = await Deno.stat(`${root}/${folder}`).catch(() => undefined);
    if (info !== undefined && !info.isDirectory) {
      throw new DataError(`Cannot read the class "${folder}" as "${root}/${folder}" is no folder: ${LAYOUT}`);
    }
  }
}
