import { DataError } from "../core/mod.ts";
import { type ClassList, readClassList } from "./_class_list.ts";
import { IMAGE } from "./_image_name.ts";
import type { ImageFolder, ImagePlace } from "./image_folder.ts";
import { indexTar } from "./index_tar.ts";

/** How {@linkcode openFlatImages} labels images. */
export interface OpenFlatImagesOptions {
  /**
   * Name for tables and messages.
   *
   * @default the path
   */
  readonly name?: string;
  /**
   * A text file with an image per line: its name, with or without its ending, and its class, with a space, tab or comma
   * between; what follows is not read, nor is a first line "ImageId,PredictionString". A class is the name of its folder
   * (a WordNet id), or its place in the class list from 0.
   */
  readonly labels: string;
  /**
   * A text file with a class per line, as that of `openImageFolder`.
   *
   * @default the names of the classes in `labels`, sorted, or where they are numbers all from 0 to the largest
   */
  readonly classList?: string;
}

/** What is written where labels cannot be used. */
const FORM = 'write a line per image, "ILSVRC2012_val_00000001.JPEG n01751748", as in val.txt or LOC_val_solution.csv';

/**
 * Lists the images of a data set without class folders, which a text file labels: a folder of images or a .tar archive, as
 * `ILSVRC2012_img_val.tar` with Caffe's `val.txt` or Kaggle's `LOC_val_solution.csv`.
 *
 * @param path The folder or archive.
 * @param options Name, labels, class list.
 * @returns Classes, labels and places; ids in the order of the file names.
 * @throws {DataError} If a file is missing, the labels cannot be read, or an image or a class is not in its list.
 */
export async function openFlatImages(path: string, options: OpenFlatImagesOptions): Promise<ImageFolder> {
  const { name = path, labels: labelPath, classList } = options;
  const { places, ignored } = await flatImages(path);
  if (places.length === 0) throw new DataError(`Cannot read images from "${path}" as none was found: check the path`);
  const classOf = await readLabels(labelPath);
  const list = classList === undefined ? classesIn([...classOf.values()]) : await readClassList(classList);
  const positions = new Map(list.folders.map((folder, label) => [folder, label]));
  const labels = places.map((place) => {
    const found = classOf.get(stemOf(place.name));
    if (found === undefined) {
      throw new DataError(`Cannot label "${place.name}" as "${labelPath}" has no line for it: ${FORM}`);
    }
    const label = positions.get(found) ?? (NUMBER.test(found) ? Number(found) : -1);
    if (label >= 0 && label < list.folders.length) return label;
    throw new DataError(
      `Cannot label "${place.name}" as its class "${found}" in "${labelPath}" is none of the ${list.folders.length} of ` +
        `"${classList}": take the list that belongs to it`,
    );
  });
  return {
    name,
    classes: list.names,
    ids: Int32Array.from(places.keys()),
    labels: Int32Array.from(labels),
    places,
    ignored,
  };
}

const NUMBER = /^\d{1,9}$/;

async function flatImages(path: string): Promise<{ readonly places: ImagePlace[]; readonly ignored: number }> {
  const isTar = /\.tar$/i.test(path);
  const files: ImagePlace[] = isTar
    ? (await indexTar(path)).map(({ name, offset, size }) => ({ name: `${path}/${name}`, path, offset, size }))
    : (await Array.fromAsync(Deno.readDir(path))).filter(({ isDirectory }) => !isDirectory).map(({ name }) => {
      const file = `${path}/${name}`;
      return { name: file, path: file };
    });
  const places = files.filter(({ name }) => IMAGE.test(name)).sort((a, b) => a.name < b.name ? -1 : 1);
  return { places, ignored: files.length - places.length };
}

/** Class of each image by its name without folders and ending. */
async function readLabels(path: string): Promise<Map<string, string>> {
  const text = await Deno.readTextFile(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new DataError(`Cannot read labels from "${path}" as there is no such file: ${FORM}`);
  });
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const rows = lines.map((line) => line.split(/[,\s]+/));
  if (rows[0]?.[0] === "ImageId") rows.shift();
  const short = rows.findIndex((row) => row.length < 2);
  if (short >= 0 || rows.length === 0) {
    throw new DataError(
      `Cannot read labels from "${path}" as ${
        rows.length === 0 ? "it is empty" : `"${rows[short]}" names no image and class`
      }: ${FORM}`,
    );
  }
  return new Map(rows.map(([image, label]) => [stemOf(image!), label!]));
}

function stemOf(path: string): string {
  return path.split("/").at(-1)!.replace(IMAGE, "");
}

/** The classes of labels that no list explains. */
function classesIn(labels: readonly string[]): ClassList {
  const found = [...new Set(labels)];
  const folders = found.every((label) => NUMBER.test(label))
    ? Array.from({ length: 1 + found.reduce((most, label) => Math.max(most, Number(label)), 0) }, (_, i) => `${i}`)
    : found.sort();
  return { folders, names: folders };
}
