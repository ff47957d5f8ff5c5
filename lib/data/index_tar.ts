import { DataError, readTarHeader, type TarHeader } from "../core/mod.ts";

/** Where a file lies inside an archive that is not compressed. */
export interface TarPlace extends Pick<TarHeader, "name" | "size"> {
  /** Its first byte, from the start of the archive's file. */
  readonly offset: number;
}

const BLOCK = 512;

/**
 * Lists the regular files of a tar archive without reading them, so that each can be read on its own later.
 *
 * @param path The archive.
 * @param within The part of the file to read as an archive, for an archive inside another; all where omitted.
 * @returns The files, in the order of the archive.
 * @throws {DataError} If it is cut short or no tar archive.
 */
export async function indexTar(path: string, within?: TarPlace): Promise<TarPlace[]> {
  using file = await Deno.open(path);
  const end = within === undefined ? (await file.stat()).size : within.offset + within.size;
  const start = within?.offset ?? 0;
  const name = within === undefined ? path : `${path}/${within.name}`;
  const found: TarPlace[] = [];
  const header = new Uint8Array(BLOCK);
  for (let at = start; at + BLOCK <= end || at === start;) {
    // Short reads of many places: waiting for each would take longer than the reads.
    file.seekSync(at, Deno.SeekMode.Start);
    let came = 0;
    for (let n; came < BLOCK && (n = file.readSync(header.subarray(came))) !== null;) came += n;
    if (came === BLOCK && header.every((byte) => byte === 0)) break;
    const entry = readTarHeader(header.subarray(0, came), name);
    const offset = at + BLOCK;
    at = offset + Math.ceil(entry.size / BLOCK) * BLOCK;
    if (offset + entry.size > end) {
      throw new DataError(
        `Cannot read "${name}" as it ends ${offset + entry.size - end} bytes before the end of "${entry.name}": ` +
          "it is cut short; download or copy it again",
      );
    }
    if (entry.regular) found.push({ name: entry.name, size: entry.size, offset });
  }
  return found;
}
