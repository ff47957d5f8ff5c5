import { assert, assertAlmostEquals, assertEquals, assertLessOrEqual, assertNotEquals } from "@std/assert";
import { float32, rng } from "../../lib/core/mod.ts";
import { unitStarts } from "../../lib/attacks/mod.ts";
import { distances } from "./_classifiers.ts";

const IDS = Int32Array.from({ length: 2000 }, (_, i) => i);

Deno.test("unitStarts() is keyed by image id and restart alone", () => {
  const stream = rng(3, "attack");
  for (const norm of ["Linf", "L2"] as const) {
    const batch = unitStarts([3, 2, 2, 3], norm, Int32Array.of(7, 900, 2), stream, 0);
    const alone = unitStarts([1, 2, 2, 3], norm, Int32Array.of(900), stream, 0);
    assertEquals(batch.shape, [3, 2, 2, 3]);
    assertEquals(batch.data.slice(12, 24), alone.data);
    assertNotEquals(unitStarts([1, 2, 2, 3], norm, Int32Array.of(900), stream, 1).data, alone.data);
    assertNotEquals(unitStarts([1, 2, 2, 3], norm, Int32Array.of(901), stream, 0).data, alone.data);
    assertNotEquals(unitStarts([1, 2, 2, 3], norm, Int32Array.of(900), rng(4, "attack"), 0).data, alone.data);
  }
});

Deno.test("unitStarts() is uniform in the cube for Linf", () => {
  const { data } = unitStarts([2000, 1, 1, 3], "Linf", IDS, rng(1), 0);
  assert(data.every((value) => value >= -1 && value <= 1));
  // Mean 0 and mean square 1/3 over 6000 draws: standard errors 0.0075 and 0.0039.
  assertAlmostEquals(data.reduce((sum, value) => sum + value, 0) / 6000, 0, 0.03);
  assertAlmostEquals(data.reduce((sum, value) => sum + value ** 2, 0) / 6000, 1 / 3, 0.016);
});

Deno.test("unitStarts() is uniform in the ball for L2", () => {
  const points = unitStarts([2000, 1, 1, 3], "L2", IDS, rng(1), 0);
  const lengths = distances(points, float32(points.shape), "L2");
  lengths.forEach((length) => assertLessOrEqual(length, 1 + 1e-6));
  // A ball of half the volume holds half of the points; the standard error is 0.011.
  assertAlmostEquals(lengths.filter((length) => length < 2 ** (-1 / 3)).length / 2000, 0.5, 0.045);
  for (const axis of [0, 1, 2]) {
    const mean = points.data.filter((_, i) => i % 3 === axis).reduce((sum, value) => sum + value, 0) / 2000;
    // Mean square of a coordinate in the 3-ball is 1/5: standard error 0.01.
    assertAlmostEquals(mean, 0, 0.04);
  }
});
