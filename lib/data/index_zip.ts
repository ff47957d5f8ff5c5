import { Reader, ZipReader } from "@zip.js/zip.js";
import { DataError } from "../core/mod.ts";
import type { ImagePlace } from "./image_folder.ts";

/** Where a file lies inside a .zip archive. */
export interface ZipPlace extends Required<ImagePlace> {
  /** Its path inside the archive. */
  readonly inside: string;
}

const METHODS: { readonly [method: number]: ZipPlace["zip"] } = { 0: "stored", 8: "deflated" };

/**
 * Lists the files of a .zip archive by its directory, without reading them, so that each can be read on its own later.
 *
 * @param path The archive.
 * @returns The files, in the order of the directory.
 * @throws {DataError} If it is missing, cut short or no .zip archive, or a file in it is encrypted or packed in a way
 * other than deflate.
 */
export async function indexZip(path: string): Promise<ZipPlace[]> {
  using file = await Deno.open(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new DataError(`Cannot read "${path}" as there is no such file: check the path`);
  });
  const { size } = await file.stat();
  const reader = new ZipReader(new FileReader(file, size));
  try {
    const found: ZipPlace[] = [];
    for await (const entry of reader.getEntriesGenerator()) {
      if (entry.directory) continue;
      const { filename: inside, offset, compressedSize: size, compressionMethod, encrypted } = entry;
      const zip = METHODS[compressionMethod];
      if (zip === undefined || encrypted) {
        const reason = encrypted ? "encrypted" : `packed by method ${compressionMethod}`;
        throw new DataError(`Cannot read "${path}" as "${inside}" in it is ${reason}: unpack it, and give the folder`);
      }
      found.push({ name: `${path}/${inside}`, path, inside, offset, size, zip });
    }
    return found;
  } catch (error) {
    if (error instanceof DataError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new DataError(`Cannot read "${path}" as a .zip archive (${reason}): download or copy it again`);
  } finally {
    await reader.close();
  }
}

/** Reads parts of an open file. */
class FileReader extends Reader<Deno.FsFile> {
  readonly #file: Deno.FsFile;

  constructor(file: Deno.FsFile, size: number) {
    super(file);
    this.#file = file;
    this.size = size;
  }

  override readUint8Array(index: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.size - index)));
    this.#file.seekSync(index, Deno.SeekMode.Start);
    let came = 0;
    for (let n; came < bytes.length && (n = this.#file.readSync(bytes.subarray(came))) !== null;) came += n;
    return Promise.resolve(bytes.subarray(0, came));
  }
}
