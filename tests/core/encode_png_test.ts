import { assertEquals } from "@std/assert";
import { encodePng } from "../../lib/core/mod.ts";
import { decodeImage } from "../../lib/data/mod.ts";

Deno.test("encodePng() writes RGB bytes that a decoder reads back", async () => {
  const pixels = Uint8Array.from({ length: 3 * 2 * 3 }, (_, i) => (i * 37) % 256);
  const { width, height, data } = await decodeImage(encodePng(pixels, 3, 2, 3), "a.png");
  assertEquals([width, height], [3, 2]);
  assertEquals(Array.from(data), Array.from(pixels));
});

Deno.test("encodePng() writes grey bytes as one channel", async () => {
  const file = encodePng(Uint8Array.of(0, 100, 200, 255), 2, 2, 1);
  assertEquals(file[25], 0); // colour type
  const { width, height, data } = await decodeImage(file, "a.png");
  assertEquals([width, height], [2, 2]);
  assertEquals(Array.from(data), [0, 0, 0, 100, 100, 100, 200, 200, 200, 255, 255, 255]);
});

Deno.test("encodePng() writes the least file of one black pixel as its specification has it", () => {
  // Signature, length and name of IHDR, 1 x 1, 8 bits, grey, and the chunk's CRC, which Python's zlib.crc32 gives.
  const head = "89504e470d0a1a0a0000000d4948445200000001000000010800000000" + "3a7e9b55";
  const file = encodePng(Uint8Array.of(0), 1, 1, 1);
  assertEquals(file.slice(0, 33).toHex(), head);
  assertEquals(file.slice(-12).toHex(), "0000000049454e44ae426082");
});
