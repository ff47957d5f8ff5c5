import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { clopperPearson } from "../../lib/core/mod.ts";

Deno.test("clopperPearson() gives the quantiles of the beta distribution", () => {
  // scipy 1.17.1: beta.ppf((1 - c) / 2, k, n - k + 1) and beta.ppf((1 + c) / 2, k + 1, n - k).
  const table = [
    [3, 40, 0.95, 0.015742179851041534, 0.20386474873289895],
    [37, 40, 0.95, 0.796135251267101, 0.9842578201489585],
    [81, 263, 0.95, 0.25273674558527126, 0.36762192260135135],
    [99000, 100000, 0.998, 0.9889893403774748, 0.9909445314129196],
    [50500, 100000, 0.998, 0.5001089517395879, 0.5098903773367782],
    [1, 1000000, 0.98, 1.0050335802996824e-08, 6.638333353341804e-06],
  ] as const;
  for (const [k, n, confidence, low, high] of table) {
    const interval = clopperPearson(k, n, confidence);
    assertEquals(interval.rate, k / n);
    assertAlmostEquals(interval.low, low, 1e-9 * low);
    assertAlmostEquals(interval.high, high, 1e-9 * high);
  }
});

Deno.test("clopperPearson() has closed forms at no and at only successes, and is symmetric", () => {
  const { low, high } = clopperPearson(10, 10);
  assertAlmostEquals(low, 0.025 ** (1 / 10), 1e-15);
  assertEquals(high, 1);
  assertEquals(clopperPearson(0, 10).low, 0);
  assertAlmostEquals(clopperPearson(0, 10).high, 1 - 0.025 ** (1 / 10), 1e-15);
  assertAlmostEquals(clopperPearson(3, 40).low, 1 - clopperPearson(37, 40).high, 1e-15);
});

Deno.test("clopperPearson() ends where the binomial tails are what they must be", () => {
  // Tails summed term by term; n = 30 keeps every binomial coefficient exact.
  const tail = (from: number, to: number, n: number, p: number): number => {
    let sum = 0;
    for (let k = from; k <= to; k++) {
      let term = 1;
      for (let i = 1; i <= k; i++) term *= (n - k + i) / i;
      sum += term * p ** k * (1 - p) ** (n - k);
    }
    return sum;
  };
  for (let k = 1; k < 30; k++) {
    const { low, high } = clopperPearson(k, 30, 0.9);
    assertAlmostEquals(tail(k, 30, 30, low), 0.05, 1e-12);
    assertAlmostEquals(tail(0, k, 30, high), 0.05, 1e-12);
    assert(low < k / 30 && k / 30 < high);
  }
});

Deno.test("clopperPearson() refuses no trials and counts out of range", () => {
  assertThrows(() => clopperPearson(0, 0), RangeError, "Cannot give a rate over 0 trials: it needs an integer");
  assertThrows(() => clopperPearson(5, 4), RangeError, "Cannot give a rate of 5 in 4: it needs a count from 0 to 4");
  assertThrows(() => clopperPearson(1, 4, 1), RangeError, "Cannot use 1 as a confidence");
});
