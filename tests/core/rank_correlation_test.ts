import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { rankCorrelation } from "../../lib/core/mod.ts";

Deno.test("rankCorrelation() agrees with scipy, with and without ties", () => {
  // scipy 1.17.1: spearmanr; the interval by numpy from Bonett and Wright's formula.
  const plain = rankCorrelation([1, 2, 3, 4, 5, 6, 7, 8], [2, 1, 4, 3, 7, 8, 6, 5])!;
  assertAlmostEquals(plain.rho, 0.7380952380952381, 1e-14);
  assertAlmostEquals(plain.low, -0.04241310320696287, 1e-12);
  assertAlmostEquals(plain.high, 0.9591358440077692, 1e-12);
  const tied = rankCorrelation([1, 1, 2, 3, 3, 3, 4, 5, 9, 9], [3, 1, 1, 4, 6, 5, 5, 9, 8, 7])!;
  assertAlmostEquals(tied.rho, 0.8851614671978908, 1e-14);
  assertAlmostEquals(tied.low, 0.4816903696115806, 1e-12);
  assertAlmostEquals(tied.high, 0.9790060832270633, 1e-12);
  assertEquals(tied.n, 10);
});

Deno.test("rankCorrelation() sees order alone", () => {
  assertEquals(rankCorrelation([1, 2, 3, 4], [1, 10, 100, 1000]), { rho: 1, low: 1, high: 1, n: 4 });
  assertEquals(rankCorrelation([1, 2, 3, 4], [0, -1, -2, -30])!.rho, -1);
  assertEquals(rankCorrelation([1, 2, 3], [1, 3, 2]), { rho: 0.5, low: -1, high: 1, n: 3 });
  assertEquals(rankCorrelation([1, 2], [5, 5]), undefined);
});

Deno.test("rankCorrelation() refuses what has no order", () => {
  assertThrows(
    () => rankCorrelation([1], [1]),
    RangeError,
    "Cannot correlate 1 with 1 values: it needs two or more pairs",
  );
  assertThrows(() => rankCorrelation([1, 2], [1, NaN]), RangeError, "Cannot correlate NaN: it needs finite numbers");
  assertThrows(() => rankCorrelation([1, 2], [1, 2], 0), RangeError, "Cannot use 0 as a confidence");
});
