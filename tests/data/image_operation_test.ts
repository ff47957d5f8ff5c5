import { assertEquals, assertThrows } from "@std/assert";
import { IMAGE_OPERATIONS, type ImageOperation, imageOperation, type ImageShape } from "../../lib/data/mod.ts";

const SHAPE: ImageShape = [20, 24, 3];
const IMAGE = Uint8Array.from({ length: 20 * 24 * 3 }, (_, i) => (i * i * 31 + i * 17) % 211);

/**
 * What torchvision 0.28.0 (PyTorch 2.13.0) makes of IMAGE as a tensor of bytes [3, 20, 24]: `_apply_op` of
 * `transforms/autoaugment.py` with the amounts of `RandAugment()._augmentation_space(31, (20, 24))` and the nearest pixel,
 * at the magnitudes 9, -9, 30, -30 (or 9, 30), as the sum of (i + 1) byte_i in the order of [20, 24, 3], modulo 1000003.
 */
const EXPECTED: { readonly [O in ImageOperation]: readonly number[] } = {
  identity: [156174, 156174],
  shearX: [152445, 199283, 949898, 769131],
  shearY: [815737, 117903, 503526, 746581],
  translateX: [81999, 303957, 730305, 779267],
  translateY: [804178, 857886, 675518, 966697],
  rotate: [507788, 152663, 252790, 250048],
  brightness: [784996, 340318, 875715, 733380],
  color: [537450, 661029, 196607, 746490],
  contrast: [362517, 532985, 539528, 372517],
  sharpness: [46362, 774963, 405998, 656731],
  posterize: [677635, 330440],
  solarize: [340040, 410634],
  autoContrast: [643439, 643439],
  equalize: [746112, 746112],
};

for (const operation of IMAGE_OPERATIONS) {
  Deno.test(`imageOperation() does "${operation}" pixel for pixel as torchvision`, () => {
    const expected = EXPECTED[operation];
    const magnitudes = expected.length === 4 ? [9, -9, 30, -30] : [9, 30];
    const before = IMAGE.slice();
    const sums = magnitudes.map((magnitude) =>
      imageOperation(operation, IMAGE, SHAPE, magnitude).reduce((sum, byte, i) => sum + (i + 1) * byte, 0) % 1000003
    );
    assertEquals(sums, expected);
    assertEquals(IMAGE, before);
  });
}

Deno.test("imageOperation() leaves a flat image, and one of a single channel has no colour", () => {
  const flat = new Uint8Array(25).fill(90);
  for (const operation of ["autoContrast", "equalize", "sharpness", "contrast", "color"] as const) {
    assertEquals(imageOperation(operation, flat, [5, 5, 1], 30), flat, operation);
  }
});

Deno.test("imageOperation() refuses channels that are no colours", () => {
  assertThrows(
    () => imageOperation("color", new Uint8Array(8), [2, 2, 2], 9),
    RangeError,
    'Cannot apply "color" to an image of 2 channels: it needs 1 or 3',
  );
});
