import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { mcnemar } from "../../lib/core/mod.ts";

Deno.test("mcnemar() gives the p-values of the literature", () => {
  // Fagerland, Lydersen, Laake (2017), chapter 8; their R package contingencytables prints P = 0.052479.
  assertAlmostEquals(mcnemar(6, 16), 0.052479, 5e-7);
  // Bentur et al. (2009): 2 (1 + 8) / 2^8.
  assertAlmostEquals(mcnemar(1, 7), 18 / 256, 1e-16);
});

Deno.test("mcnemar() is the sum of binomial probabilities, exactly", () => {
  for (const n of [1, 2, 3, 10, 31, 52]) {
    const choose = [1n];
    for (let k = 1; k <= n; k++) choose.push(choose[k - 1]! * BigInt(n - k + 1) / BigInt(k));
    let tail = 0n;
    for (let k = 0; 2 * k <= n; k++) {
      tail += choose[k]!;
      const exact = Math.min(1, Number(2n * tail) / 2 ** n);
      assertAlmostEquals(mcnemar(k, n - k), exact, 1e-13 * exact);
      assertEquals(mcnemar(n - k, k), mcnemar(k, n - k));
    }
  }
  assertEquals(mcnemar(0, 0), 1);
  assertEquals(mcnemar(500, 500), 1);
});

Deno.test("mcnemar() holds for counts of 10^5: Python's integers give the literals", () => {
  // from math import comb; from fractions import Fraction
  // s = sum(comb(n, k) for k in range(m + 1)); float(Fraction(2 * s, 2**n))
  assertAlmostEquals(mcnemar(49500, 50500) / 0.0015823598788515956, 1, 1e-9);
  assertAlmostEquals(mcnemar(950, 1050) / 0.026824146240280695, 1, 1e-11);
  assertAlmostEquals(mcnemar(40000, 41000) / 0.000447821823137557, 1, 1e-9);
  assertEquals(mcnemar(0, 100_000), 0);
  assertAlmostEquals(mcnemar(0, 1000) / 2 ** -999, 1, 1e-12);
  assert(mcnemar(49999, 50001) < 1);
});

Deno.test("mcnemar() refuses what is no count", () => {
  for (const wrong of [-1, 0.5, NaN, Infinity]) {
    assertEquals(
      assertThrows(() => mcnemar(wrong, 1), RangeError).message,
      `Cannot test a count of ${wrong}: it needs an integer of 0 or more`,
    );
  }
});
