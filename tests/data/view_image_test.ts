import { assert, assertEquals, assertThrows } from "@std/assert";
import { rng } from "../../lib/core/mod.ts";
import { decodeImage, type RandomView, type ResizeFilter, viewImage } from "../../lib/data/mod.ts";
import { bytesOf, fileOf, PILLOW } from "./_pillow.ts";

const IMAGE = await decodeImage(fileOf("rgb.png"), "rgb.png");

for (const { resize, size, filter, pixels } of PILLOW.centre) {
  Deno.test(`viewImage() cuts out the middle as torchvision does: ${resize}, ${size}, ${filter}`, () => {
    const view = { kind: "centre", resize, size, filter: filter as ResizeFilter } as const;
    assertEquals(viewImage(IMAGE, view), bytesOf(pixels));
  });
}

/** An image whose red and green are the column and the row. */
const PLACES = {
  width: 200,
  height: 100,
  data: Uint8Array.from({ length: 60_000 }, (_, i) => [Math.floor(i / 3) % 200, Math.floor(i / 600), 0][i % 3]!),
};

Deno.test("viewImage() draws parts within the bounds of area and ratio, half of them mirrored", () => {
  const view: RandomView = { kind: "random", size: 64, scale: [0.1, 0.3] };
  const n = 200;
  let mirrored = 0;
  const shares: number[] = [];
  for (let id = 0; id < n; id++) {
    const data = viewImage(PLACES, view, rng(1, "augment", 0, id));
    // Centres of the first and the last pixel are 63 / 64 of the part apart, to a pixel.
    const width = Math.abs(data[63 * 3]! - data[0]!) * 64 / 63;
    const height = (data.at(-2)! - data[1]!) * 64 / 63;
    const [share, ratio] = [width * height / 20_000, width / height];
    assert(share > 0.1 * 0.9 && share < 0.3 * 1.1, `${width}x${height}`);
    assert(ratio > 3 / 4 * 0.93 && ratio < 4 / 3 * 1.07, `${width}x${height}`);
    shares.push(share);
    mirrored += data[63 * 3]! < data[0]! ? 1 : 0;
  }
  assert(Math.abs(mirrored / n - 0.5) < 0.14, `${mirrored} of ${n}`); // 4 standard deviations
  const mean = shares.reduce((sum, share) => sum + share) / n;
  assert(Math.abs(mean - 0.2) < 0.02, `${mean}`); // 4 standard deviations, and the rounding
});

Deno.test("viewImage() takes the whole image where the bounds say so, and the middle where no part fits", () => {
  const whole = viewImage(PLACES, { kind: "random", size: 4, scale: [1, 1], ratio: [2, 2], flip: false }, rng(1));
  assertEquals(
    whole,
    viewImage({ ...PLACES }, { kind: "random", size: 4, scale: [1, 1], ratio: [2, 2], flip: false }, rng(2)),
  );
  // All of the area at ratio 1 does not fit into 200x100: the middle 100x100, columns 50 to 149.
  const middle = viewImage(PLACES, { kind: "random", size: 100, scale: [1, 1], ratio: [1, 1], flip: false }, rng(1));
  assertEquals([middle[0], middle[99 * 3], middle[1], middle.at(-2)], [50, 149, 0, 99]);
});

Deno.test("viewImage() mirrors left to right", () => {
  const view: RandomView = { kind: "random", size: 100, scale: [1, 1], ratio: [1, 1] };
  const first = Array.from({ length: 8 }, (_, id) => viewImage(PLACES, view, rng(1, id)));
  const reds = new Set(first.map((data) => `${data[0]} ${data[99 * 3]}`));
  assertEquals([...reds].sort(), ["149 50", "50 149"]);
});

Deno.test("viewImage() gives the same for the same stream, and refuses to draw without one", () => {
  const view: RandomView = { kind: "random", size: 5 };
  assertEquals(viewImage(PLACES, view, rng(1, 7)), viewImage(PLACES, view, rng(1, 7)));
  assert(viewImage(PLACES, view, rng(1, 7)).some((byte, i) => byte !== viewImage(PLACES, view, rng(1, 8))[i]));
  assertEquals(
    assertThrows(() => viewImage(PLACES, view), RangeError).message,
    "Cannot make a random view without random numbers: pass a stream",
  );
  assertEquals(
    assertThrows(() => viewImage(PLACES, { kind: "centre", size: 4, resize: 0 }), RangeError).message,
    "Cannot use 0 as resize of a view: it needs an integer of 1 or more",
  );
});
