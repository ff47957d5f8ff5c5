import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { float32, int32, UsageError } from "../../lib/core/mod.ts";
import { smoothLabels } from "../../lib/data/mod.ts";

Deno.test("smoothLabels() gives (1 - s) q + s / C of classes and of probabilities", () => {
  assertEquals(smoothLabels(int32([2], [2, 0]), 3, 0), float32([2, 3], [0, 0, 1, 1, 0, 0]));
  const close = (actual: ArrayLike<number>, expected: number[]) =>
    expected.forEach((value, i) => assertAlmostEquals(actual[i]!, value, 1e-7));
  close(smoothLabels(int32([1], [1]), 4, 0.2).data, [0.05, 0.85, 0.05, 0.05]);
  close(smoothLabels(float32([1, 4], [0.5, 0.5, 0, 0]), 4, 0.2).data, [0.45, 0.45, 0.05, 0.05]);
});

Deno.test("smoothLabels() refuses what is no share", () => {
  for (const share of [-0.1, 1]) {
    assertThrows(
      () => smoothLabels(int32([1], [0]), 2, share),
      UsageError,
      `Cannot use ${share} as label smoothing: write a share from 0 to below 1`,
    );
  }
});
