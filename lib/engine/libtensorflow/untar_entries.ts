import { DataError, readTar } from "../../core/mod.ts";

/** What {@linkcode untarEntries} takes out of an archive, and where it goes. */
export interface UntarOptions {
  /** The file to make of an entry, whose folder must exist; undefined for an entry that is not wanted. */
  readonly to: (entry: string) => string | undefined;
  /** Told of the bytes of the archive that were read. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Takes some files out of a .tar.gz archive without holding them in memory.
 *
 * @param archive Path of the archive.
 * @param options Entries, and what to tell.
 * @returns The files that were made.
 * @throws {DataError} If the archive is broken.
 */
export async function untarEntries(archive: string, { to, onProgress }: UntarOptions): Promise<string[]> {
  const file = await Deno.open(archive);
  const { size: total } = await file.stat();
  let done = 0;
  const told = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform: (chunk, controller) => {
      done += chunk.length;
      onProgress?.(done, total);
      controller.enqueue(chunk);
    },
  });
  const made: string[] = [];
  try {
    const bytes = file.readable.pipeThrough(told).pipeThrough(new DecompressionStream("gzip"));
    for await (const { name, chunks } of readTar(bytes, archive)) {
      const path = to(name);
      if (path === undefined) continue;
      using out = await Deno.open(path, { write: true, createNew: true });
      for await (const chunk of chunks()) {
        for (let at = 0; at < chunk.length;) at += await out.write(chunk.subarray(at));
      }
      await out.sync();
      made.push(path);
    }
  } catch (error) {
    if (error instanceof TypeError) { // what the decompressor throws
      throw new DataError(`Cannot unpack "${archive}" as gzip (${error.message}): fetch it again`);
    }
    throw error;
  }
  return made;
}
