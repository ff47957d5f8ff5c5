import { DataError } from "../../core/mod.ts";

/** What {@linkcode unzipEntries} takes out of an archive, and where it goes. */
export interface UnzipOptions {
  /** The file to make of an entry, whose folder must exist; undefined for an entry that is not wanted. */
  readonly to: (entry: string) => string | undefined;
  /** Told of the bytes that were written, of all entries together. */
  readonly onProgress?: (done: number, total: number) => void;
}

interface Entry {
  readonly name: string;
  /** 0 as it is, 8 deflated. */
  readonly method: number;
  readonly compressed: number;
  readonly size: number;
  readonly offset: number;
}

/** The end of an archive may be followed by a comment of up to 65535 bytes. */
const LONGEST_END = 22 + 65535;
const CHUNK = 1 << 20;

/**
 * Takes some files out of a ZIP archive (a Python wheel is one) without holding them in memory.
 *
 * Source: PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12, 4.3.16; archives beyond 4 GiB (ZIP64) are not read.
 *
 * @param archive Path of the archive.
 * @param options Entries, and what to tell.
 * @returns The files that were made.
 * @throws {DataError} If the archive is broken.
 */
export async function unzipEntries(archive: string, { to, onProgress }: UnzipOptions): Promise<string[]> {
  using file = await Deno.open(archive);
  const wanted = (await directoryOf(file, archive)).flatMap((entry) => {
    const path = to(entry.name);
    return path === undefined ? [] : [{ entry, path }];
  });
  const total = wanted.reduce((sum, { entry }) => sum + entry.size, 0);
  let done = 0;
  for (const { entry, path } of wanted) {
    const before = done;
    using out = await Deno.open(path, { write: true, createNew: true });
    try {
      for await (const chunk of await contentOf(file, entry)) {
        for (let at = 0; at < chunk.length;) at += await out.write(chunk.subarray(at));
        done += chunk.length;
        onProgress?.(done, total);
      }
    } catch (error) {
      if (error instanceof TypeError) throw broken(archive); // what the decompressor throws
      throw error;
    }
    if (done - before !== entry.size) throw broken(archive);
    await out.sync();
  }
  return wanted.map(({ path }) => path);
}

async function directoryOf(file: Deno.FsFile, archive: string): Promise<Entry[]> {
  const { size } = await file.stat();
  const tail = await bytesAt(file, Math.max(0, size - LONGEST_END), size);
  let end = tail.byteLength - 22;
  while (end >= 0 && tail.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw broken(archive);
  const length = tail.getUint32(end + 12, true);
  const start = tail.getUint32(end + 16, true);
  const directory = await bytesAt(file, start, start + length);
  const entries: Entry[] = [];
  for (let at = 0; at + 46 <= directory.byteLength;) {
    if (directory.getUint32(at, true) !== 0x02014b50) throw broken(archive);
    const nameLength = directory.getUint16(at + 28, true);
    entries.push({
      method: directory.getUint16(at + 10, true),
      compressed: directory.getUint32(at + 20, true),
      size: directory.getUint32(at + 24, true),
      offset: directory.getUint32(at + 42, true),
      name: new TextDecoder().decode(new Uint8Array(directory.buffer, at + 46, nameLength)),
    });
    at += 46 + nameLength + directory.getUint16(at + 30, true) + directory.getUint16(at + 32, true);
  }
  return entries;
}

async function contentOf(file: Deno.FsFile, entry: Entry): Promise<AsyncIterable<Uint8Array>> {
  const { method, compressed, offset } = entry;
  const header = await bytesAt(file, offset, offset + 30);
  // The names in the entry's own header may be padded differently from the directory's.
  const start = offset + 30 + header.getUint16(26, true) + header.getUint16(28, true);
  const raw = ReadableStream.from(chunksOf(file, start, start + compressed));
  return method === 0 ? raw : raw.pipeThrough(new DecompressionStream("deflate-raw"));
}

async function* chunksOf(file: Deno.FsFile, from: number, to: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = from; at < to; at += CHUNK) {
    yield new Uint8Array((await bytesAt(file, at, Math.min(at + CHUNK, to))).buffer);
  }
}

/** The bytes [from, to) of a file; fewer where it ends before. */
async function bytesAt(file: Deno.FsFile, from: number, to: number): Promise<DataView<ArrayBuffer>> {
  const bytes = new Uint8Array(Math.max(0, to - from));
  await file.seek(from, Deno.SeekMode.Start);
  let had = 0;
  while (had < bytes.length) {
    const read = await file.read(bytes.subarray(had));
    if (read === null) break;
    had += read;
  }
  return new DataView(had === bytes.length ? bytes.buffer : bytes.slice(0, had).buffer);
}

function broken(archive: string): DataError {
  return new DataError(`Cannot unpack "${archive}" as it is no whole ZIP archive: fetch it again`);
}
