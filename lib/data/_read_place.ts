import { inflateRawSync } from "node:zlib";
import { DataError } from "../core/mod.ts";
import type { ImagePlace } from "./image_folder.ts";

/** The bytes of a file on the disk or in an archive. */
export async function readPlace({ name, path, offset, size, zip }: ImagePlace): Promise<Uint8Array<ArrayBuffer>> {
  try {
    if (offset === undefined || size === undefined) return await Deno.readFile(path);
    using file = await Deno.open(path);
    const read = async (start: number, length: number) => {
      await file.seek(start, Deno.SeekMode.Start);
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length;) {
        const n = await file.read(bytes.subarray(at));
        if (n === null) throw new DataError(`Cannot read "${name}" as "${path}" ends before it: copy it again`);
        at += n;
      }
      return bytes;
    };
    if (zip === undefined) return await read(offset, size);
    // A local file header, whose name and extra field have lengths of their own (PKWARE, APPNOTE 4.3.7).
    const header = new DataView((await read(offset, 30)).buffer);
    if (header.getUint32(0, true) !== 0x04034b50) {
      throw new DataError(`Cannot read "${name}" as there is no file at its place in "${path}": copy it again`);
    }
    const bytes = await read(offset + 30 + header.getUint16(26, true) + header.getUint16(28, true), size);
    if (zip === "stored") return bytes;
    try {
      return new Uint8Array(inflateRawSync(bytes));
    } catch {
      throw new DataError(`Cannot read "${name}" as it cannot be decompressed: copy "${path}" again`);
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new DataError(`Cannot read "${name}" as it is no longer there: put it back or list the folder again`);
    }
    throw error;
  }
}
