import { writeError } from "./write_error.ts";

/**
 * Writes a file so that its path holds either the old content or all of the new, also if the process or the machine
 * stops: a temporary file in the same folder is written, flushed to the disk and renamed.
 *
 * @param path The file; its folder must exist.
 * @param content Bytes, or a text written as UTF-8.
 * @throws {DataError} If no space is left on the disk; the temporary file is removed, as after any failure.
 */
export async function writeFileAtomic(path: string, content: Uint8Array | string): Promise<void> {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const temporary = `${path}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  try {
    const file = await Deno.open(temporary, { write: true, createNew: true });
    try {
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      await file.sync();
    } finally {
      file.close();
    }
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw writeError(error, path);
  }
}

/**
 * Reads a text file that may be absent.
 *
 * @param path The file.
 * @returns Its text, or undefined where there is no such file.
 */
export async function readTextIfExists(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * Lists a folder that may be absent.
 *
 * @param folder The folder.
 * @param ending What the names must end with. @default {anything}
 * @returns Names of files and folders in it, sorted by code unit; none where there is no such folder.
 */
export async function namesIn(folder: string, ending = ""): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(folder));
    return entries.map(({ name }) => name).filter((name) => name.endsWith(ending)).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
