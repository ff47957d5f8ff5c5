import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { normalQuantile, studentQuantile } from "../../lib/core/mod.ts";

Deno.test("studentQuantile() is that of printed tables", () => {
  // Percentage points of the t distribution, Abramowitz and Stegun, table 26.10, with further digits.
  const table = [[1, 12.706204736], [2, 4.302652730], [3, 3.182446305], [4, 2.776445105], [10, 2.228138852]] as const;
  for (const [df, t] of table) assertAlmostEquals(studentQuantile(0.975, df), t, 1e-8);
  assertAlmostEquals(studentQuantile(0.95, 7), 1.894578605, 1e-8);
  // Closed forms: tan(pi (p - 1/2)) for 1, (2p - 1) sqrt(2 / (4 p (1 - p))) for 2 degrees of freedom.
  assertAlmostEquals(studentQuantile(0.9, 1), Math.tan(0.4 * Math.PI), 1e-12);
  assertAlmostEquals(studentQuantile(0.9, 2), 0.8 * Math.sqrt(2 / 0.36), 1e-12);
});

Deno.test("studentQuantile() is odd about one half, and tends to the normal one", () => {
  assertEquals(studentQuantile(0.5, 5), 0);
  assertEquals(studentQuantile(0.025, 3), -studentQuantile(0.975, 3));
  assertAlmostEquals(studentQuantile(0.975, 1_000_000), normalQuantile(0.975), 1e-5);
});

Deno.test("studentQuantile() refuses what is out of range", () => {
  assertThrows(() => studentQuantile(1, 3), RangeError, "Cannot take the t quantile of 1: it needs a probability");
  assertThrows(
    () => studentQuantile(0.9, 0),
    RangeError,
    "with 0 degrees of freedom: it needs an integer of at least 1",
  );
});
