import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { meanInterval } from "../../lib/core/mod.ts";

Deno.test("meanInterval() is mean -+ 1.96 s / sqrt(n)", () => {
  // s^2 of 1..5 is 2.5: 3 -+ 1.959964 sqrt(2.5 / 5).
  const { mean, low, high } = meanInterval([1, 2, 3, 4, 5]);
  assertEquals(mean, 3);
  assertAlmostEquals(low, 3 - 1.959963984540054 * Math.SQRT1_2, 1e-12);
  assertAlmostEquals(high, 3 + 1.959963984540054 * Math.SQRT1_2, 1e-12);
  assertEquals(meanInterval(Float32Array.of(2, 2)), { mean: 2, low: 2, high: 2 });
});

Deno.test("meanInterval() of few values takes the t quantile of their number less one", () => {
  // 0.95 sqrt(2 / 0.0975) of two degrees of freedom: s of 1, 2, 3 is 1.
  const { mean, low, high } = meanInterval([1, 2, 3], 0.95, "t");
  assertEquals(mean, 2);
  assertAlmostEquals(high, 2 + 4.302652729749464 / Math.sqrt(3), 1e-12);
  assertAlmostEquals(low, 2 - 4.302652729749464 / Math.sqrt(3), 1e-12);
});

Deno.test("meanInterval() refuses one value and numbers that are none", () => {
  assertEquals(
    assertThrows(() => meanInterval([1]), RangeError).message,
    "Cannot give an interval of 1 values: it needs at least two",
  );
  assertEquals(
    assertThrows(() => meanInterval([1, NaN]), RangeError).message,
    "Cannot give a mean with NaN in it: it needs finite numbers",
  );
});
