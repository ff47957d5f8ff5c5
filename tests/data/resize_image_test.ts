import { assertEquals, assertThrows } from "@std/assert";
import { decodeImage, type ResizeFilter, resizeImage } from "../../lib/data/mod.ts";
import { bytesOf, fileOf, PILLOW } from "./_pillow.ts";

const IMAGE = await decodeImage(fileOf("rgb.png"), "rgb.png");

for (const { width, height, filter, pixels } of PILLOW.resized) {
  Deno.test(`resizeImage() gives the bytes that Pillow gives at ${width}x${height}, ${filter}`, () => {
    const { data } = resizeImage(IMAGE, { width, height, filter: filter as ResizeFilter });
    assertEquals(data, bytesOf(pixels));
  });
}

Deno.test("resizeImage() computes parts as though they were cut out before and afterwards", () => {
  const cut = (image: typeof IMAGE, left: number, top: number, width: number, height: number) => ({
    width,
    height,
    data: Uint8Array.from({ length: width * height * 3 }, (_, i) => {
      const [row, column, c] = [Math.floor(i / (3 * width)), Math.floor(i / 3) % width, i % 3];
      return image.data[((row + top) * image.width + column + left) * 3 + c]!;
    }),
  });
  for (const filter of ["bilinear", "bicubic"] as const) {
    const from = { left: 3, top: 2, width: 11, height: 8 };
    const whole = resizeImage(cut(IMAGE, 3, 2, 11, 8), { width: 7, height: 9, filter });
    assertEquals(resizeImage(IMAGE, { width: 7, height: 9, filter, from }), whole);
    const window = { left: 2, top: 1, width: 4, height: 6 };
    assertEquals(resizeImage(IMAGE, { width: 7, height: 9, filter, from, window }), cut(whole, 2, 1, 4, 6));
  }
});

Deno.test("resizeImage() gives back an image at its own size, and refuses what is outside of it", () => {
  assertEquals(resizeImage(IMAGE, { width: 17, height: 11, filter: "bicubic" }), IMAGE);
  assertEquals(
    assertThrows(
      () => resizeImage(IMAGE, { width: 2, height: 2, from: { left: 10, top: 0, width: 8, height: 2 } }),
      RangeError,
    ).message,
    "Cannot take 8x2 pixels at column 10, row 0 of the image as it has 17x11",
  );
  assertThrows(() => resizeImage(IMAGE, { width: 0, height: 2 }), RangeError);
});
