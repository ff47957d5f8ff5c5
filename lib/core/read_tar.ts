import { DataError } from "./errors.ts";

/** A regular file in an archive; it must be read before the next file is asked for, or it is skipped. */
export interface TarFile {
  /** Its path in the archive. */
  readonly name: string;
  /** Bytes of its content. */
  readonly size: number;
  /** Reads all of it at once. */
  readonly content: () => Promise<Uint8Array>;
  /** Reads it piece by piece, for what does not fit into memory. */
  readonly chunks: () => AsyncGenerator<Uint8Array>;
}

/** What a header of an archive says of the file behind it. */
export interface TarHeader extends Pick<TarFile, "name" | "size"> {
  /** Whether it is a regular file: no folder, no link. */
  readonly regular: boolean;
}

const BLOCK = 512;

/**
 * Reads a header of a tar archive.
 *
 * @param header The 512 bytes before a file.
 * @param path Name of the archive, for error messages.
 * @returns What it says.
 * @throws {DataError} If it is cut short or no header.
 */
export function readTarHeader(header: Uint8Array, path: string): TarHeader {
  const size = fieldOf(header, 124, 12);
  if (header.length < BLOCK || !hasChecksum(header) || size === undefined) {
    throw new DataError(`Cannot read "${path}" as a tar archive: it is damaged or of another format`);
  }
  return { name: textOf(header, 0, 100), size, regular: header[156] === 0x30 || header[156] === 0 };
}

/**
 * Reads the regular files of a tar stream one after the other (POSIX.1-1988 ustar and older; long names are cut).
 *
 * @param stream The archive, already unpacked where it is compressed.
 * @param path Its name, for error messages.
 * @yields {TarFile} Each file, in the order of the archive.
 * @throws {DataError} If it is cut short or no tar archive.
 */
export async function* readTar(stream: ReadableStream<Uint8Array>, path: string): AsyncGenerator<TarFile> {
  const reader = stream.getReader();
  let chunk = new Uint8Array(0);
  /** Some of the next bytes, `most` at most; none at the end. */
  const next = async (most: number): Promise<Uint8Array> => {
    while (chunk.length === 0) {
      const { done, value } = await reader.read();
      if (done) break;
      chunk = new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength);
    }
    const part = chunk.subarray(0, most);
    chunk = chunk.subarray(part.length);
    return part;
  };
  try {
    for (let first = true;; first = false) {
      const header = new Uint8Array(BLOCK);
      let came = 0;
      for (let part; came < BLOCK && (part = await next(BLOCK - came)).length > 0; came += part.length) {
        header.set(part, came);
      }
      // A well-formed archive ends with two empty blocks; some writers leave them out.
      if (came === 0 && !first || came === BLOCK && header.every((byte) => byte === 0)) return;
      const { name, size, regular } = readTarHeader(header.subarray(0, came), path);
      let left = size;
      const chunks = async function* (): AsyncGenerator<Uint8Array> {
        while (left > 0) {
          const part = await next(left);
          if (part.length === 0) {
            throw new DataError(
              `Cannot read "${path}" as it ends ${left} bytes before the end of "${name}": ` +
                "it is cut short; download or copy it again",
            );
          }
          left -= part.length;
          yield part;
        }
      };
      const content = async () => {
        const bytes = new Uint8Array(size);
        for await (const part of chunks()) bytes.set(part, size - left - part.length);
        return bytes;
      };
      if (regular) yield { name, size, content, chunks };
      for await (const _ of chunks()); // what nobody took
      for (let padding = (BLOCK - size % BLOCK) % BLOCK; padding > 0;) {
        const part = await next(padding);
        if (part.length === 0) break;
        padding -= part.length;
      }
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
