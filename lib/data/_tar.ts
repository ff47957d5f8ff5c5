import { DataError } from "../core/mod.ts";

/** A regular file in an archive; `content` must be read before the next file is asked for, or it is skipped. */
export interface TarFile {
  readonly name: string;
  readonly size: number;
  /** Reads all of the file. */
  readonly content: () => Promise<Uint8Array>;
}

const BLOCK = 512;

/** Reads the regular files of a tar stream one after the other (POSIX.1-1988 ustar and older; long names are cut). */
export async function* readTar(stream: ReadableStream<Uint8Array>, path: string): AsyncGenerator<TarFile> {
  const reader = stream.getReader();
  let chunk = new Uint8Array(0);
  /** The next bytes into `target`, or past them where it is only a number; how many came before the end. */
  const take = async (target: Uint8Array | number): Promise<number> => {
    const length = typeof target === "number" ? target : target.length;
    let at = 0;
    while (at < length) {
      if (chunk.length === 0) {
        const { done, value } = await reader.read();
        if (done) break;
        chunk = new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength);
        continue;
      }
      const part = chunk.subarray(0, length - at);
      if (typeof target !== "number") target.set(part, at);
      chunk = chunk.subarray(part.length);
      at += part.length;
    }
    return at;
  };
  const all = async (target: Uint8Array | number, what: string): Promise<void> => {
    const length = typeof target === "number" ? target : target.length;
    const came = await take(target);
    if (came < length) {
      throw new DataError(
        `Cannot read "${path}" as it ends ${length - came} bytes before the end of ${what}: ` +
          "it is cut short; download or copy it again",
      );
    }
  };
  try {
    const header = new Uint8Array(BLOCK);
    for (let first = true;; first = false) {
      const came = await take(header);
      // A well-formed archive ends with two empty blocks; some writers leave them out.
      if (came === 0 && !first || came === BLOCK && header.every((byte) => byte === 0)) return;
      const size = fieldOf(header, 124, 12);
      if (came < BLOCK || !hasChecksum(header) || size === undefined) {
        throw new DataError(`Cannot read "${path}" as a tar archive: it is damaged or of another format`);
      }
      const name = textOf(header, 0, 100);
      const padding = (BLOCK - size % BLOCK) % BLOCK;
      const kind = String.fromCharCode(header[156]!);
      let unread = true;
      const content = async () => {
        unread = false;
        const bytes = new Uint8Array(size);
        await all(bytes, `"${name}"`);
        return bytes;
      };
      if (kind === "0" || kind === "\0") yield { name, size, content };
      if (unread) await all(size, `"${name}"`);
      await take(padding);
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function textOf(header: Uint8Array, at: number, length: number): string {
  const field = header.subarray(at, at + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}

function fieldOf(header: Uint8Array, at: number, length: number): number | undefined {
  const text = textOf(header, at, length).trim();
  return /^[0-7]+$/.test(text) ? parseInt(text, 8) : undefined;
}

/** The sum of the header's bytes, its own field taken as spaces. */
function hasChecksum(header: Uint8Array): boolean {
  const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
  return fieldOf(header, 148, 8) === sum;
}
