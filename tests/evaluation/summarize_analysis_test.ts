import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import type { MeasurementRow } from "../../lib/core/mod.ts";
import { summarizeAnalysis } from "../../lib/evaluation/mod.ts";

const row = (method: string, eps: string, image: number, value: number, gap: number | ""): MeasurementRow => ({
  method,
  eps,
  image,
  localLinearity: value,
  crossEntropy: value + 1,
  gradientNorm: value + 2,
  gradientGap: gap,
  gradientCosine: gap === "" ? "" : -gap,
});

Deno.test("summarizeAnalysis() gives means with normal intervals, and no row of what was not measured", () => {
  const rows = [
    ...[1, 2, 3].map((value, image) => row("teacher", "0", image, value, "")),
    ...[4, 4, 7].map((value, image) => row("kd", "8/255", image, value, value)),
  ];
  const found = summarizeAnalysis(rows);
  assertEquals(found.map(({ method, eps, quantity, n, mean }) => [method, eps, quantity, n, mean]), [
    ["teacher", "0", "local-linearity", 3, 2],
    ["teacher", "0", "cross-entropy", 3, 3],
    ["teacher", "0", "gradient-norm", 3, 4],
    ["kd", "8/255", "local-linearity", 3, 5],
    ["kd", "8/255", "cross-entropy", 3, 6],
    ["kd", "8/255", "gradient-norm", 3, 7],
    ["kd", "8/255", "gradient-gap", 3, 5],
    ["kd", "8/255", "gradient-cosine", 3, -5],
  ]);
  // 1.959964 s / sqrt(3), s = 1 and sqrt(3).
  assertAlmostEquals(found[0]!.high - found[0]!.mean, 1.959964 / Math.sqrt(3), 1e-6);
  assertAlmostEquals(found[3]!.mean - found[3]!.low, 1.959964, 1e-6);
  assertEquals(summarizeAnalysis([]), []);
  assertThrows(() => summarizeAnalysis(rows.slice(0, 1)), RangeError, "it needs at least two");
});
