import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { rng, sampleBeta } from "../../lib/core/mod.ts";

const COUNT = 4000;
const drawn = (a: number, b: number) =>
  Array.from({ length: COUNT }, (_, i) => sampleBeta(rng(3, "beta", a, b, i), a, b));
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

Deno.test("sampleBeta() has the mean and the variance of the distribution, below and above shape 1", () => {
  for (const [a, b] of [[0.2, 0.2], [1, 1], [3, 3], [2, 5], [0.5, 4]] as const) {
    const values = drawn(a, b);
    assert(values.every((value) => value >= 0 && value <= 1));
    const [expected, variance] = [a / (a + b), a * b / ((a + b) ** 2 * (a + b + 1))];
    // Four standard errors of the mean; the variance of a bounded variable is no farther off than that.
    assertAlmostEquals(mean(values), expected, 4 * Math.sqrt(variance / COUNT), `mean of ${a}, ${b}`);
    assertAlmostEquals(mean(values.map((x) => (x - expected) ** 2)), variance, 0.05 * variance + 0.002, `${a}, ${b}`);
  }
});

Deno.test("sampleBeta() of shapes 1/2 is the arcsine distribution, of shapes 1 the uniform one", () => {
  const below = (values: readonly number[], x: number) => values.filter((value) => value < x).length / COUNT;
  for (const x of [0.05, 0.25, 0.5, 0.9]) {
    assertAlmostEquals(below(drawn(0.5, 0.5), x), 2 / Math.PI * Math.asin(Math.sqrt(x)), 0.032);
    assertAlmostEquals(below(drawn(1, 1), x), x, 0.032);
  }
});

Deno.test("sampleBeta() gives the same number for the same stream, and a number also for tiny shapes", () => {
  assertEquals(sampleBeta(rng(1, "a"), 0.4, 0.4), sampleBeta(rng(1, "a"), 0.4, 0.4));
  for (let i = 0; i < 200; i++) {
    const value = sampleBeta(rng(i), 1e-3, 1e-3);
    assert(value >= 0 && value <= 1, `${value}`);
  }
});

Deno.test("sampleBeta() refuses shapes that are not positive", () => {
  assertThrows(
    () => sampleBeta(rng(1), 1, 0),
    RangeError,
    "Cannot draw from a Beta distribution of shape 0: it needs a positive number",
  );
});
