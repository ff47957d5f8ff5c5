import { assert, assertEquals, assertRejects } from "@std/assert";
import { DataError } from "../../lib/core/mod.ts";
import { decodeImage } from "../../lib/data/mod.ts";
import { bytesOf, fileOf, PILLOW } from "./_pillow.ts";

for (const [name, { file, pixels }] of Object.entries(PILLOW.files)) {
  const exact = name !== "cmyk.jpg";
  Deno.test(`decodeImage() gives ${exact ? "the bytes" : "the bytes, to 1,"} that Pillow gives of ${name}`, async () => {
    const { width, height, data } = await decodeImage(bytesOf(file), name);
    assertEquals([width, height], [17, 11]);
    const expected = bytesOf(pixels);
    if (exact) assertEquals(data, expected);
    else assert(data.length === expected.length && data.every((byte, i) => Math.abs(byte - expected[i]!) <= 1));
  });
}

Deno.test("decodeImage() reads bytes that are a part of a buffer", async () => {
  for (const name of ["rgb.jpg", "rgb.png"] as const) {
    const file = fileOf(name);
    const buffer = new Uint8Array(file.length + 20).fill(7);
    buffer.set(file, 9);
    const { data } = await decodeImage(buffer.subarray(9, 9 + file.length), name);
    assertEquals(data, bytesOf(PILLOW.files[name].pixels));
  }
});

Deno.test("decodeImage() says what is wrong with a file, and decodes the next one", async () => {
  const message = async (bytes: Uint8Array<ArrayBuffer>) =>
    (await assertRejects(() => decodeImage(bytes, "a/b.JPEG"), DataError)).message;
  const jpeg = fileOf("rgb.jpg");
  const advice = ": download it again or leave it out";
  assertEquals(
    await message(jpeg.slice(0, jpeg.length - 20)),
    `Cannot decode "a/b.JPEG" as JPEG (Premature end of JPEG file)${advice}`,
  );
  assertEquals(
    await message(fileOf("rgb.png").slice(0, 100)),
    `Cannot decode "a/b.JPEG" as PNG (it is damaged)${advice}`,
  );
  assertEquals(
    await message(new TextEncoder().encode("GIF89a")),
    'Cannot decode "a/b.JPEG" as an image: it is neither JPEG nor PNG (its first bytes are 47 49 46 38); ' +
      "download it again or leave it out",
  );
  assertEquals(
    await message(new Uint8Array(0)),
    'Cannot decode "a/b.JPEG" as an image: it is neither JPEG nor PNG (its first bytes are none); ' +
      "download it again or leave it out",
  );
  assert((await message(fileOf("cmyk.jpg").slice(0, 400))).startsWith('Cannot decode "a/b.JPEG" as CMYK JPEG ('));
  for (const name of ["rgb.jpg", "rgb.png", "cmyk.jpg"] as const) {
    assertEquals((await decodeImage(fileOf(name), name)).width, 17);
  }
});
