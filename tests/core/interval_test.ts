import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { normalQuantile, wilson } from "../../lib/core/mod.ts";

Deno.test("wilson() gives the intervals of Newcombe's table", () => {
  // Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I, method 3.
  const table = [[81, 263, 0.2553, 0.3662], [15, 148, 0.0624, 0.1605], [0, 20, 0, 0.1611], [1, 29, 0.0061, 0.1718]];
  for (const [correct = 0, n = 0, low = 0, high = 0] of table) {
    const interval = wilson(correct, n);
    assertEquals(interval.rate, correct / n);
    assertAlmostEquals(interval.low, low, 5e-5);
    assertAlmostEquals(interval.high, high, 5e-5);
  }
});

Deno.test("wilson() is symmetric, exact at the ends, wider with more confidence and solves its equation", () => {
  const a = wilson(3, 40);
  const b = wilson(37, 40);
  assertAlmostEquals(a.low, 1 - b.high, 1e-15);
  assertEquals(wilson(0, 5).low, 0);
  assertEquals(wilson(5, 5).high, 1);
  // (p - rate)^2 = z^2 p (1 - p) / n at both ends.
  for (const [confidence, z] of [[0.95, 1.959963984540054], [0.99, 2.5758293035489004]] as const) {
    const { rate, low, high } = wilson(3, 40, confidence);
    for (const p of [low, high]) assertAlmostEquals((p - rate) ** 2, z * z * p * (1 - p) / 40, 1e-14);
  }
});

Deno.test("wilson() refuses no images and counts out of range", () => {
  assertEquals(
    assertThrows(() => wilson(0, 0), RangeError).message,
    "Cannot give a rate over 0 images: it needs at least one",
  );
  assertEquals(
    assertThrows(() => wilson(5, 4), RangeError).message,
    "Cannot give a rate of 5 in 4: it needs a count from 0 to 4",
  );
  assertThrows(() => wilson(-1, 4), RangeError);
  assertThrows(() => wilson(NaN, 4), RangeError);
  assertThrows(() => wilson(1, 4, 1), RangeError, "Cannot use 1 as a confidence: it needs a number between 0 and 1");
});

Deno.test("normalQuantile() gives the table's values", () => {
  // R, qnorm(p).
  const table = [[0.5, 0], [0.6, 0.2533471031357997], [0.975, 1.959963984540054], [0.995, 2.5758293035489004], [
    0.9995,
    3.2905267314919255,
  ], [0.999, 3.090232306167813]] as const;
  for (const [p, z] of table) {
    assertAlmostEquals(normalQuantile(p), z, 1e-11);
    assertAlmostEquals(normalQuantile(1 - p), -z, 1e-11);
  }
  assertAlmostEquals(normalQuantile(1e-9), -5.997807015007686, 1e-6);
  for (const p of [0, 1, -1, NaN]) assertThrows(() => normalQuantile(p), RangeError);
});
