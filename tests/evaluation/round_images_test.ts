import { assert, assertEquals, assertThrows } from "@std/assert";
import { DataError, float32, rng } from "../../lib/core/mod.ts";
import { roundImages } from "../../lib/evaluation/mod.ts";

const bytesOf = (data: Float32Array): number[] => Array.from(data, (pixel) => Math.round(255 * pixel));
const BYTES = rng(1, "bytes").integers(96, 256);
const X = float32([2, 4, 4, 3], Array.from(BYTES, (byte) => byte / 255));

Deno.test("roundImages() keeps every image inside the ball, counted in steps of 1/255", () => {
  for (const [eps, steps] of [[8 / 255, 8], [0.03, 7], [0.5 / 255, 0], [1 / 255, 1]] as const) {
    const xAdv = float32(X.shape, X.data.map((pixel, i) => Math.min(Math.max(pixel + (i % 3 - 1) * eps, 0), 1)));
    const rounded = roundImages(xAdv, X, "Linf", eps);
    const moved = bytesOf(rounded.data).map((byte, i) => Math.abs(byte - BYTES[i]!));
    assertEquals(Math.max(...moved), steps);
    bytesOf(rounded.data).forEach((byte, i) => assertEquals(rounded.data[i], Math.fround(byte / 255)));
  }
  const noise = rng(2, "noise").normal(96);
  for (const [norm, power, eps] of [["L2", 2, 0.05], ["L2", 2, 0.5], ["L2", 2, 0.003]] as const) {
    const xAdv = X.data.slice();
    for (const at of [0, 48]) {
      const own = noise.subarray(at, at + 48);
      const length = Math.hypot(...own);
      own.forEach((value, i) => xAdv[at + i] = Math.min(Math.max(X.data[at + i]! + eps * value / length, 0), 1));
    }
    const steps = bytesOf(roundImages(float32(X.shape, xAdv), X, norm, eps).data).map((byte, i) => byte - BYTES[i]!);
    for (const at of [0, 48]) {
      const own = steps.slice(at, at + 48).reduce((sum, step) => sum + Math.abs(step) ** power, 0) ** (1 / power);
      assert(own <= 255 * eps, `${own} steps of ${255 * eps}`);
      // Half of the ball's radius is left of a perturbation that is far longer than a step.
      if (eps === 0.5) assert(own > 0.9 * 255 * eps);
    }
  }
});

Deno.test("roundImages() takes the nearest of 256 levels, and moves back what rounding moved farthest away", () => {
  const x = float32([1, 1, 1, 3], [10 / 255, 20 / 255, 30 / 255]);
  const at = (...steps: number[]) => float32([1, 1, 1, 3], steps.map((step, i) => x.data[i]! + step / 255));
  const bytes = (...steps: number[]) => bytesOf(roundImages(at(...steps), x, "L2", 3 / 255).data);
  assertEquals(bytes(1.4, -1.6, 0.2), [11, 18, 30]);
  // Nearest is (2, -2, 2), of length 3.46 > 3: the first, moved farthest, goes back to 1: (1, -2, 2) has length 3.
  assertEquals(bytes(1.55, -1.8, 1.7), [11, 18, 32]);
  assertEquals(bytesOf(roundImages(at(1.4, -8.9, 0.2), x, "Linf", 2 / 255).data), [11, 18, 30]);
});

Deno.test("roundImages() refuses originals that are not of 8 bits", () => {
  const x = float32([1, 1, 1, 1], [0.5]);
  assertEquals(
    assertThrows(() => roundImages(x, x, "Linf", 0.1), DataError).message,
    "Cannot round the images to 8 bits as a pixel of an original is 0.5, no multiple of 1/255: use images of 8 bits",
  );
});
