import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { smoothedRadius } from "../../lib/certificates/mod.ts";
import { UsageError } from "../../lib/core/mod.ts";

Deno.test("smoothedRadius() gives the largest radii of the published certification logs", () => {
  // locuslab/smoothing, data/certify: all of 100,000 draws in one class; four digits are logged.
  const logs = { 0.001: [0.4574, 0.9529, 1.9057, 3.8115], 0.01: [0.4693, 0.9776, 1.9553, 3.9105] };
  for (const [alpha, radii] of Object.entries(logs)) {
    for (const [i, sigma] of [0.12, 0.25, 0.5, 1].entries()) {
      assertAlmostEquals(smoothedRadius(100_000, 100_000, sigma, Number(alpha)).radius, radii[i]!, 5e-5);
    }
  }
});

Deno.test("smoothedRadius() agrees with scipy and says nothing at a probability of a half", () => {
  // scipy 1.17.1: 0.25 * norm.ppf(beta.ppf(0.001, k, 100000 - k + 1)) for k = 99000, 60000.
  assertAlmostEquals(smoothedRadius(99_000, 100_000, 0.25, 0.001).radius, 0.5724999888034416, 1e-9);
  assertAlmostEquals(smoothedRadius(60_000, 100_000, 0.25, 0.001).radius, 0.06023619805868137, 1e-9);
  assertEquals(smoothedRadius(50_400, 100_000, 0.25, 0.001).radius, 0);
  assertEquals(smoothedRadius(0, 100, 0.25, 0.001), { pLow: 0, radius: 0 });
});

Deno.test("smoothedRadius() refuses a noise and a probability of error out of range", () => {
  assertThrows(
    () => smoothedRadius(9, 10, 0, 0.001),
    UsageError,
    "Cannot smooth with sigma = 0: write a number above 0",
  );
  assertThrows(() => smoothedRadius(9, 10, 1, 0.5), UsageError, "Cannot certify with alpha = 0.5: write a number");
});
