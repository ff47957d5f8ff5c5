import { assert, assertEquals } from "@std/assert";
import { DISPLAY, type Displayable, type DisplayBundle } from "../../lib/core/mod.ts";
import { type Dataset, decodeImage, gather, loadData, subset } from "../../lib/data/mod.ts";

const { train, validation, test } = await loadData({ kind: "shapes", seed: 1, train: 40, test: 30, validation: 10 });

function shown(value: object): Promise<DisplayBundle> {
  return (value as Displayable)[DISPLAY]();
}

/** Colour of a place of a sheet. */
async function pixelOf(bundle: DisplayBundle, x: number, y: number): Promise<number[]> {
  const { width, data } = await decodeImage(Uint8Array.fromBase64(bundle["image/png"] as string), "a.png");
  return Array.from(data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3));
}

const firstPixel = ({ images, imageShape }: Dataset, i: number): number[] =>
  Array.from(images.subarray(i * imageShape[0] * imageShape[1] * 3).subarray(0, 3));

Deno.test("each part of loaded data shows its first images, enlarged by whole pixels", async () => {
  for (const [part, count] of [[train, 30], [validation, 10], [test, 30]] as const) {
    const bundle = await shown(part);
    assertEquals(Object.keys(bundle), ["image/png", "text/plain"]);
    const text = bundle["text/plain"] as string;
    assert(
      text.startsWith(`${part.name}: ${count} images of 16 × 16 × 3, 10 classes; the first ${Math.min(count, 18)}: `),
      text,
    );
    const names = text.split(": ").at(-1)!.split(", ");
    assertEquals(names, Array.from(part.labels.subarray(0, 18), (label) => part.classes[label]!));
  }
  // 16 pixels, four times as large, and 4 between: nine fit beside each other.
  const bundle = await shown(test);
  const { width, height } = await decodeImage(Uint8Array.fromBase64(bundle["image/png"] as string), "a.png");
  assertEquals([width, height], [9 * 68 - 4, 2 * 68 - 4]);
  assertEquals(await pixelOf(bundle, 3, 3), firstPixel(test, 0));
  assertEquals(await pixelOf(bundle, 65, 0), [255, 255, 255]);
  assertEquals(await pixelOf(bundle, 68, 0), firstPixel(test, 1));
  assertEquals(await pixelOf(bundle, 0, 68), firstPixel(test, 9));
});

Deno.test("a subset shows its own images, an empty one its name", async () => {
  const some = subset(test, [5, 2], "two");
  const bundle = await shown(some);
  assert((bundle["text/plain"] as string).startsWith("two: 2 images of"));
  assertEquals(await pixelOf(bundle, 68, 0), firstPixel(test, 2));
  assertEquals(await shown(subset(test, [], "none")), { "text/plain": "none: 0 images of 16 × 16 × 3, 10 classes" });
});

Deno.test("a batch shows its images without the padding", async () => {
  const bundle = await shown(gather(test, [7, 8, 8], 2));
  assertEquals(
    bundle["text/plain"],
    `Batch of "${test.name}": 2 images of 16 × 16 × 3, 10 classes; the first 2: ` +
      `${test.classes[test.labels[7]!]}, ${test.classes[test.labels[8]!]}`,
  );
  assertEquals(await pixelOf(bundle, 0, 0), firstPixel(test, 7));
  const { width } = await decodeImage(Uint8Array.fromBase64(bundle["image/png"] as string), "a.png");
  assertEquals(width, 132);
});
