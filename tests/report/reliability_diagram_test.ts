import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { reliabilityDiagram } from "../../lib/report/mod.ts";
import { RELIABILITY } from "./_rows.ts";
import { viewsOf } from "./_spec.ts";

Deno.test("reliabilityDiagram() draws a line through the bins that hold images, and a point for every bin", () => {
  const [diagonal, lines, points] = viewsOf(reliabilityDiagram(RELIABILITY));
  assertEquals(diagonal!.rows, [{ confidence: 0, accuracy: 0 }, { confidence: 100, accuracy: 100 }]);
  assertEquals(lines!.rows.map(({ images, confidence, accuracy }) => [images, confidence, accuracy]), [
    ...[["Clean", 30, 30], ["Clean", 60, 60], ["PGD-20", 30, 20], ["PGD-20", 60, 50]],
    ...[["PGD-20 on KDIGA", 30, 10], ["PGD-20 on KDIGA", 60, 40]],
  ]);
  assertEquals(points!.rows.slice(0, 3).map(({ share }) => share), [20, 79.5, 0.5]);
});

Deno.test("reliabilityDiagram() refuses no rows", () => {
  assertThrows(() => reliabilityDiagram([]), UsageError, "Cannot draw a reliability diagram without a bin");
});
