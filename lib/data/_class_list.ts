import { DataError } from "../core/mod.ts";

/** Classes in the order of their labels: names of their folders, and names for people. */
export interface ClassList {
  readonly folders: readonly string[];
  readonly names: readonly string[];
}

/** Reads a class per line: a folder's name and, after white space, a name for people. */
export async function readClassList(path: string): Promise<ClassList> {
  const text = await Deno.readTextFile(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new DataError(
      `Cannot read the classes from "${path}" as there is no such file: write a folder's name per line`,
    );
  });
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const folders = lines.map((line) => line.split(/\s+/, 1)[0]!);
  const twice = folders.find((folder, i) => folders.indexOf(folder) < i);
  if (twice !== undefined) {
    throw new DataError(`Cannot read the classes from "${path}" as "${twice}" is there twice: remove one line`);
  }
  return { folders, names: lines.map((line, i) => line.slice(folders[i]!.length).trim() || folders[i]!) };
}
