import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { type PairedCounts, pairedDifference, wilson } from "../../lib/core/mod.ts";

const counts = (both: number, onlyFirst: number, onlySecond: number, neither: number): PairedCounts => ({
  both,
  onlyFirst,
  onlySecond,
  neither,
});

Deno.test("pairedDifference() gives Newcombe's interval of the literature", () => {
  // Cavo et al. (2012) in Fagerland, Lydersen, Laake (2017), table 8.8; their R package contingencytables prints
  // "estimate = -0.0621 (95% CI -0.1186 to -0.0046)".
  const cavo = pairedDifference(counts(59, 6, 16, 80));
  assertAlmostEquals(cavo.difference, -0.0621, 5e-5);
  assertAlmostEquals(cavo.low, -0.1186, 5e-5);
  assertAlmostEquals(cavo.high, -0.0046, 5e-5);
  // Bentur et al. (2009), same source: -0.507 to -0.026.
  const bentur = pairedDifference(counts(1, 1, 7, 12));
  assertAlmostEquals(bentur.low, -0.507, 5e-4);
  assertAlmostEquals(bentur.high, -0.026, 5e-4);
});

Deno.test("pairedDifference() turns around with its arguments and stays within [-1, 1]", () => {
  for (const [a, b, c, d] of [[5, 3, 2, 7], [0, 4, 0, 0], [10, 0, 0, 0], [0, 1, 9, 0], [40, 1, 0, 900]] as const) {
    const one = pairedDifference(counts(a, b, c, d));
    const two = pairedDifference(counts(a, c, b, d));
    assertAlmostEquals(one.difference, -two.difference, 1e-15);
    assertAlmostEquals(one.low, -two.high, 1e-12);
    assertAlmostEquals(one.high, -two.low, 1e-12);
    assert(one.low >= -1 && one.low <= one.difference && one.difference <= one.high && one.high <= 1);
  }
});

Deno.test("pairedDifference() is narrower for images that are hard for both than for unrelated ones", () => {
  const related = pairedDifference(counts(480, 20, 10, 490));
  const unrelated = pairedDifference(counts(245, 255, 245, 255));
  assert(related.high - related.low < (unrelated.high - unrelated.low) / 3);
  // Without correlation it is Newcombe's interval of independent rates: the Wilson distances squared and added.
  const a = wilson(500, 1000);
  const b = wilson(490, 1000);
  assertAlmostEquals(unrelated.low, 0.01 - Math.hypot(0.5 - a.low, b.high - 0.49), 1e-12);
});

Deno.test("pairedDifference() refuses no images and counts out of range", () => {
  assertThrows(() => pairedDifference(counts(0, 0, 0, 0)), RangeError, "it needs at least one");
  assertEquals(
    assertThrows(() => pairedDifference(counts(1, -1, 1, 1)), RangeError).message,
    "Cannot compare with a count of -1: it needs an integer of 0 or more",
  );
});
