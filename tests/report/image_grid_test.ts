import { assert, assertEquals, assertGreater, assertNotEquals, assertRejects } from "@std/assert";
import { float32 } from "../../lib/core/mod.ts";
import { decodeImage } from "../../lib/data/mod.ts";
import { captionOf, type GridColumn, headingOf, imageGrid, type ImageGridOptions } from "../../lib/report/mod.ts";

/** The picture, and the colour at a place in pixels of 1/96 inch. */
async function drawn(columns: readonly GridColumn[], options: ImageGridOptions = {}) {
  const picture = await decodeImage(new Uint8Array(await imageGrid(columns, { scale: 1, ...options })), "grid.png");
  const { width, height, data } = picture;
  return {
    width,
    height,
    at: (x: number, y: number) => [...data.subarray(3 * (y * width + x), 3 * (y * width + x + 1))],
  };
}

/** Top left corner of the first image below one line of heading, without words to the left. */
const [LEFT, TOP] = [4, 18];

Deno.test("imageGrid() enlarges pixels by a whole number, without mixing them", async () => {
  const colours = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.2, 0.4, 0.6], [1, 1, 0], [0, 0, 0]];
  const images = float32([1, 3, 2, 3], colours.flat());
  // 3 pixels in 20: 6 times as large.
  const { at } = await drawn([{ label: "x", images }], { cell: 20 });
  for (let y = 0; y < 18; y++) {
    for (let x = 0; x < 12; x++) {
      const expected = colours[2 * Math.floor(y / 6) + Math.floor(x / 6)]!.map((value) => Math.round(255 * value));
      // The column is as wide as a heading may want, the image in its middle.
      assertEquals(at(LEFT + 4 + x, TOP + y), expected, `${x}, ${y}`);
    }
  }
});

Deno.test("imageGrid() draws bytes, grey images and images larger than their place", async () => {
  const bytes = { shape: [1, 1, 1, 3], data: Uint8Array.of(10, 200, 30) };
  const grey = float32([1, 100, 100, 1], new Float32Array(10_000).fill(0.4));
  const { at, width, height } = await drawn([{ label: "a", images: bytes }, { label: "b", images: grey }], {
    cell: 50,
  });
  assertEquals([width, height], [4 + 50 + 5 + 50 + 4, 18 + 50 + 5 + 4]);
  assertEquals(at(LEFT + 25, TOP + 25), [10, 200, 30]);
  assertEquals(at(LEFT + 55 + 25, TOP + 25), [102, 102, 102]);
  assertEquals(at(LEFT + 55 + 1, TOP + 48), [102, 102, 102]);
});

Deno.test("imageGrid() draws numbers of either sign about grey, by a factor or by the largest of each image", async () => {
  const images = float32([2, 1, 2, 1], [0.03, -0.01, 0, -4]);
  const middles = async (signed: number | "each") => {
    const { at } = await drawn([{ label: "x", images, signed }], { cell: 40 });
    return [0, 1].flatMap((row) => [10, 30].map((x) => at(LEFT + x, TOP + 25 * row + 10)[0]));
  };
  assertEquals(await middles(10), [204, 102, 128, 0]);
  assertEquals(await middles("each"), [255, 85, 128, 0]);
  const still = float32([1, 2, 2, 1]);
  const { at } = await drawn([{ label: "x", images: still, signed: "each" }], { cell: 40 });
  assertEquals(at(LEFT + 20, TOP + 20), [128, 128, 128]);
});

Deno.test("imageGrid() says what is no pixel, and makes room for words", async () => {
  const images = float32([3, 4, 4, 3]);
  const delta: GridColumn = { label: "Perturbation", images, signed: 10 };
  const gradient: GridColumn = { label: "Gradient", images, signed: "each" };
  assertEquals([{ label: "Clean", images }, delta, gradient].map(headingOf), ["Clean", "Perturbation ×10", "Gradient"]);
  assertEquals(captionOf([{ label: "Clean", images }]), "");
  assertEquals(
    captionOf([delta, gradient]),
    "Grey is 0. Gradient: each image divided by its largest absolute entry.",
  );
  const bare = await drawn([{ label: "Clean", images }]);
  const options = { rows: ["one", "two", "three"], title: "Three" };
  const worded = await drawn([{ label: "Clean", images, notes: ["a", "b", "c"] }], options);
  assertEquals([worded.width - bare.width, worded.height - bare.height], [34, 18 + 3 * 12]);
  const aside = await drawn([{ label: "Clean", images }], { across: 2 });
  assertGreater(aside.width, bare.width);
  assertGreater(bare.height, aside.height);
  // Words are there: other words, another picture.
  const other = await imageGrid([{ label: "Clean", images, notes: ["a", "b", "d"] }], options);
  assertNotEquals(other, await imageGrid([{ label: "Clean", images, notes: ["a", "b", "c"] }], options));
});

Deno.test("imageGrid() is no wider than is said", async () => {
  const images = float32([2, 32, 32, 3]);
  const columns = Array.from({ length: 5 }, () => ({ label: "Gradient", images }));
  for (const width of [321, 500]) {
    for (const across of [1, 2]) {
      const picture = await drawn(columns, { width, across, rows: ["first", "second"] });
      assert(picture.width <= width, `${picture.width}`);
    }
  }
});

Deno.test("imageGrid() refuses what is no image", async () => {
  const images = float32([2, 2, 2, 3]);
  const refused = async (columns: readonly GridColumn[], message: string) =>
    assertEquals((await assertRejects(() => imageGrid(columns), RangeError)).message, message);
  await refused([], "Cannot draw a grid without an image: give one column of one image at least");
  await refused(
    [{ label: "a", images }, { label: "b", images: float32([1, 2, 2, 3]) }],
    'Cannot draw 1 images of "b" beside 2: give as many in each column',
  );
  await refused(
    [{ label: "a", images: float32([2, 2, 2, 4]) }],
    'Cannot draw "a" of shape [2,2,2,4]: it needs [N, H, W, C] of 1 or 3 channels',
  );
  await refused(
    [{ label: "a", images: float32([2, 1, 1, 1], [0, NaN]) }],
    'Cannot draw image 1 of "a" as it is not finite: NaN is in it',
  );
});
