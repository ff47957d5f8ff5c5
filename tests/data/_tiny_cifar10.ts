/** Bytes of one file of CIFAR-10 with `n` images whose labels and pixels are known. */
export function cifarFile(file: number, n: number): Uint8Array {
  const bytes = new Uint8Array(n * 3073);
  for (let i = 0; i < n; i++) {
    bytes[i * 3073] = (file + i) % 10;
    for (let k = 0; k < 3072; k++) bytes[i * 3073 + 1 + k] = byteAt(file, i, k);
  }
  return bytes;
}

/** Byte k (channel first) of image i in a file. */
export function byteAt(file: number, i: number, k: number): number {
  return (file * 50 + i * 7 + k * 3 + (k >> 10) * 11) % 256;
}

/** Names and bytes of the six files, with n images each. */
export function cifarFiles(n: number): [name: string, bytes: Uint8Array][] {
  const train = [1, 2, 3, 4, 5].map((k): [string, Uint8Array] => [`data_batch_${k}.bin`, cifarFile(k - 1, n)]);
  return [...train, ["test_batch.bin", cifarFile(5, n)]];
}

/** A tar archive (ustar). */
export function tar(entries: readonly [name: string, bytes: Uint8Array, kind?: string][]): Uint8Array<ArrayBuffer> {
  const blocks = entries.flatMap(([name, bytes, kind = "0"]) => {
    const header = new Uint8Array(512);
    const put = (text: string, at: number) => header.set(new TextEncoder().encode(text), at);
    put(name, 0);
    put("0000644\0", 100);
    put(`${bytes.length.toString(8).padStart(11, "0")}\0`, 124);
    put("        ", 148);
    put(kind, 156);
    put("ustar\x0000", 257);
    put(`${header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0 `, 148);
    return [header, bytes, new Uint8Array((512 - bytes.length % 512) % 512)];
  });
  return concat([...blocks, new Uint8Array(1024)]);
}

/** The bytes as gzip. */
export async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

/** Runs a body with a folder that is removed afterwards. */
export async function inTempFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
