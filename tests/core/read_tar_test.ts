import { assertEquals, assertRejects } from "@std/assert";
import { DataError, readTar, type TarFile } from "../../lib/core/mod.ts";
import { tar } from "../data/_tiny_cifar10.ts";

const LARGE = Uint8Array.from({ length: 10_000 }, (_, i) => i * i >> 5);
const SMALL = new TextEncoder().encode("small");
const ARCHIVE = tar([["a/large", LARGE], ["a/link", new Uint8Array(0), "2"], ["a/small", SMALL], [
  "empty",
  SMALL.subarray(5),
]]);

/** The archive in pieces that fit no block. */
const stream = (bytes: Uint8Array<ArrayBuffer> = ARCHIVE, piece = 777) =>
  ReadableStream.from(
    Array.from({ length: Math.ceil(bytes.length / piece) }, (_, i) => bytes.slice(i * piece, (i + 1) * piece)),
  );

async function joined(file: TarFile): Promise<Uint8Array> {
  return new Uint8Array(await new Response(ReadableStream.from(file.chunks())).arrayBuffer());
}

Deno.test("readTar() gives the regular files, whole or in pieces", async () => {
  for (const read of [(file: TarFile) => file.content(), joined]) {
    const found: [string, number, Uint8Array][] = [];
    for await (const file of readTar(stream(), "a.tar")) found.push([file.name, file.size, await read(file)]);
    assertEquals(found, [["a/large", 10_000, LARGE], ["a/small", 5, SMALL], ["empty", 0, new Uint8Array(0)]]);
  }
});

Deno.test("readTar() skips what was not read, or not to its end", async () => {
  const found: string[] = [];
  for await (const file of readTar(stream(), "a.tar")) {
    found.push(file.name);
    if (file.name === "a/large") { for await (const _ of file.chunks()) break; }
    if (file.name === "a/small") assertEquals(await file.content(), SMALL);
  }
  assertEquals(found, ["a/large", "a/small", "empty"]);
});

Deno.test("readTar() says where an archive is cut or none", async () => {
  const read = async (bytes: Uint8Array<ArrayBuffer>) => {
    for await (const { content } of readTar(stream(bytes), "a.tar")) await content();
  };
  await assertRejects(
    () => read(ARCHIVE.slice(0, 5000)),
    DataError,
    'Cannot read "a.tar" as it ends 5512 bytes before the end of "a/large": it is cut short; download or copy it again',
  );
  for (const bytes of [new Uint8Array(0), SMALL, LARGE]) {
    await assertRejects(
      () => read(bytes),
      DataError,
      'Cannot read "a.tar" as a tar archive: it is damaged or of another format',
    );
  }
});
