import { deflateRawSync } from "node:zlib";

/** A ZIP archive of entries that are stored or deflated, with a comment at its end. */
export function zip(
  entries: readonly [name: string, bytes: Uint8Array, method: "stored" | "deflated"][],
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  const lengthOf = (list: readonly Uint8Array[]) => list.reduce((sum, { length }) => sum + length, 0);
  for (const [name, bytes, method] of entries) {
    const content = method === "stored" ? bytes : new Uint8Array(deflateRawSync(bytes));
    const offset = lengthOf(parts);
    const encoded = new TextEncoder().encode(name);
    const extra = new Uint8Array(5); // in the entry's own header only, as some writers do
    const header = (signature: number, length: number, at: number, extraLength: number) => {
      const view = new DataView(new ArrayBuffer(length));
      view.setUint32(0, signature, true);
      view.setUint16(at + 4, method === "stored" ? 0 : 8, true);
      view.setUint32(at + 14, content.length, true);
      view.setUint32(at + 18, bytes.length, true);
      view.setUint16(at + 22, encoded.length, true);
      view.setUint16(at + 24, extraLength, true);
      if (length === 46) view.setUint32(42, offset, true);
      return new Uint8Array(view.buffer);
    };
    parts.push(header(0x04034b50, 30, 4, extra.length), encoded, extra, content);
    directory.push(header(0x02014b50, 46, 6, 0), encoded);
  }
  const comment = new TextEncoder().encode("a comment");
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, entries.length, true);
  end.setUint16(10, entries.length, true);
  end.setUint32(12, lengthOf(directory), true);
  end.setUint32(16, lengthOf(parts), true);
  end.setUint16(20, comment.length, true);
  const all = [...parts, ...directory, new Uint8Array(end.buffer), comment];
  const bytes = new Uint8Array(lengthOf(all));
  let at = 0;
  for (const part of all) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
