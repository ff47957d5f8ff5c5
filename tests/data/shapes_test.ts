import { assert, assertEquals, assertGreater, assertLess, assertNotEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { type Dataset, shapes, SHAPES_CLASSES, shapesTextures } from "../../lib/data/mod.ts";

const EPS = 8 / 255;

/** Accuracy of the nearest texture, where every image was moved by `shift` along the texture of its class. */
function textureAccuracy(dataset: Dataset, seed: number, shift: number): number {
  const [size] = dataset.imageShape;
  const textures = shapesTextures(seed, size);
  const length = size * size * 3;
  let correct = 0;
  dataset.labels.forEach((label, i) => {
    const own = textures[label]!;
    const scores = textures.map((texture) => {
      let sum = 0;
      for (let k = 0; k < length; k++) {
        sum += texture[k]! * (dataset.images[i * length + k]! / 255 + shift * own[k]!);
      }
      return sum;
    });
    if (scores.indexOf(Math.max(...scores)) === label) correct++;
  });
  return correct / dataset.labels.length;
}

Deno.test("shapes() has a texture that tells the class, and that a change of 8/255 turns against it", () => {
  for (const size of [16, 32]) {
    for (const seed of [1, 2]) {
      const { test } = shapes({ seed, train: 0, test: 300, size });
      assertGreater(textureAccuracy(test, seed, 0), 0.95);
      assertLess(textureAccuracy(test, seed, -EPS), 0.2);
    }
  }
  const { test } = shapes({ seed: 1, train: 0, test: 300, parameters: { textureAmplitude: 0 } });
  assertLess(textureAccuracy(test, 1, 0), 0.3);
});

Deno.test("shapesTextures() are orthogonal to one another, to grey and to even areas", () => {
  const textures = shapesTextures(3, 16);
  assertEquals(textures.length, 10);
  textures.forEach((a, i) => {
    textures.forEach((b, j) => {
      assertEquals(a.reduce((sum, value, k) => sum + value * b[k]!, 0), i === j ? 2 * 256 : 0);
    });
    for (let pixel = 0; pixel < 256; pixel++) assertEquals(a[pixel * 3]! + a[pixel * 3 + 1]! + a[pixel * 3 + 2]!, 0);
  });
  assertNotEquals(shapesTextures(4, 16), textures);
});

/** Brightness of every pixel less its mean, of length 1. */
function brightness(dataset: Dataset, i: number, change: (k: number) => number): Float32Array {
  const [size] = dataset.imageShape;
  const grey = Float32Array.from({ length: size * size }, (_, p) => {
    const at = (i * size * size + p) * 3;
    return (dataset.images[at]! + dataset.images[at + 1]! + dataset.images[at + 2]!) / 765 + change(p);
  });
  const mean = grey.reduce((sum, value) => sum + value, 0) / grey.length;
  const length = Math.hypot(...grey.map((value) => value - mean));
  return grey.map((value) => (value - mean) / length);
}

Deno.test("shapes() has shapes that tell the class also after a change of every pixel by 8/255", () => {
  const { train, test } = shapes({ seed: 1, train: 2000, test: 100 });
  const known = Array.from(train.labels, (_, i) => brightness(train, i, () => 0));
  const accuracy = (change: (k: number) => number) => {
    let correct = 0;
    test.labels.forEach((label, i) => {
      const image = brightness(test, i, change);
      let best = -1;
      let found = -1;
      known.forEach((other, k) => {
        let sum = 0;
        for (let p = 0; p < other.length; p++) sum += other[p]! * image[p]!;
        if (Math.abs(sum) > best) [best, found] = [Math.abs(sum), train.labels[k]!];
      });
      if (found === label) correct++;
    });
    return correct / 100;
  };
  // The nearest neighbour by brightness alone, which the texture does not touch; chance is 0.1.
  assertGreater(accuracy(() => 0), 0.7);
  assertGreater(accuracy((k) => (k + (k >> 4)) % 2 === 0 ? EPS : -EPS), 0.7);
  assertGreater(accuracy((k) => k % 16 < 8 ? EPS : -EPS), 0.65);
});

Deno.test("shapes() is a function of seed and id: larger sets begin with the smaller, sets share no id", () => {
  const small = shapes({ seed: 1, train: 20, test: 10 });
  const large = shapes({ seed: 1, train: 50, test: 30 });
  assertEquals(large.train.images.slice(0, small.train.images.length), small.train.images);
  assertEquals(large.test.images.slice(0, small.test.images.length), small.test.images);
  assertEquals(Array.from(small.train.ids), Array.from({ length: 20 }, (_, i) => i));
  assertEquals(small.test.ids[3], 1_000_003);
  assertEquals(small.train.labels, small.train.ids.map((id) => id % 10));
  assertEquals([small.train.name, small.test.name], ["shapes-16 train", "shapes-16 test"]);
  assertEquals(small.train.imageShape, [16, 16, 3]);
  assertEquals(small.train.classes, SHAPES_CLASSES);
  assertNotEquals(shapes({ seed: 2, train: 20, test: 0 }).train.images, small.train.images);
  assertEquals(shapes({ seed: 1, train: 1, test: 0, size: 32 }).train.images.length, 3072);
});

Deno.test("shapes() clips few pixels", () => {
  const { images } = shapes({ seed: 5, train: 500, test: 0 }).train;
  assertLess(images.filter((byte) => byte === 0 || byte === 255).length / images.length, 0.005);
  assert(images.some((byte) => byte > 200) && images.some((byte) => byte < 55));
});

Deno.test("shapes() refuses what it cannot draw", () => {
  const message = (options: object) =>
    assertThrows(() => shapes({ seed: 1, train: 1, test: 1, ...options }), UsageError).message;
  assertEquals(message({ train: -1 }), "Cannot draw -1 train images: write an integer from 0 to 1000000");
  assertEquals(message({ test: 1.5 }), "Cannot draw 1.5 test images: write an integer from 0 to 1000000");
  assertEquals(message({ size: 15 }), "Cannot draw images of size 15: write a multiple of 4 of at least 12");
  assertEquals(
    message({ parameters: { noise: 5 } }),
    "Cannot use 5 as noise of shapes: write a number from 0 to 1, in pixel units",
  );
});
