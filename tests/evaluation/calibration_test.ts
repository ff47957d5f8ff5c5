import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { calibration } from "../../lib/evaluation/mod.ts";

/** Logits of two classes where the first has probability p. */
const of = (p: number): number[] => [Math.log(p), Math.log(1 - p)];

Deno.test("calibration() weighs the gaps of its bins by their images", () => {
  // Two images of confidence 0.9 (one right), one of 0.65 (right), one of 0.6 (wrong).
  const logits = [...of(0.9), ...of(0.9), ...of(0.65), ...of(0.4)];
  const found = calibration(logits, [0, 1, 0, 0], 2, 10);
  assertEquals(found.correct, 2);
  [0.9, 0.9, 0.65, 0.6].forEach((p, i) => {
    assertAlmostEquals(found.confidences[i]!, p, 1e-12);
    assertAlmostEquals(found.entropies[i]!, -p * Math.log(p) - (1 - p) * Math.log(1 - p), 1e-12);
  });
  const inside = found.bins.filter(({ n }) => n > 0);
  assertEquals(inside.reduce((sum, { n }) => sum + n, 0), 4);
  assertEquals([found.bins.length, found.bins[0]!.from, found.bins.at(-1)!.to], [10, 0, 1]);
  assertAlmostEquals(found.ece, (2 * 0.4 + 0.35 + 0.6) / 4, 1e-12);
});

Deno.test("calibration() is 0 where confidence is accuracy, and knows certain and even logits", () => {
  const half = calibration([0, 0, 0, 0], [0, 1], 2);
  assertEquals([half.ece, half.correct, half.bins[7]!.n], [0, 1, 2], "(7/15, 8/15] holds one half");
  assertAlmostEquals(half.entropies[0]!, Math.log(2), 1e-12);
  const sure = calibration([900, -900, -900, 900], [0, 0], 2);
  assertEquals([sure.ece, sure.bins.at(-1)!.n, ...sure.entropies], [0.5, 2, 0, 0]);
});

Deno.test("calibration() refuses numbers that do not fit", () => {
  for (const [logits, labels, bins] of [[[], [], 15], [[1, 2, 3], [0], 15], [[1, 2], [0], 0]] as const) {
    assertThrows(() => calibration(logits, labels, 2, bins), RangeError, "Cannot calibrate");
  }
});
