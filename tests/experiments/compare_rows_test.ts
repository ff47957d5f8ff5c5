import { assertEquals } from "@std/assert";
import { type EvaluationRow, wilson } from "../../lib/core/mod.ts";
import { compareRows } from "../../lib/experiments/mod.ts";

const row = (method: string, correct: number, n = 100): EvaluationRow => (
  { method, attack: "clean", eps: "0", n, correct, ...wilson(correct, n) }
);

Deno.test("compareRows() tells rows of the same bits, within the stored interval, and different ones", () => {
  // 50 of 100 is 0.40 to 0.60 by Wilson's interval.
  const stored = [row("a", 50), row("b", 50), row("c", 50), row("d", 50), row("e", 50)];
  const found = [row("f", 1), row("d", 250, 500), row("c", 39), row("b", 59), row("a", 50)];
  assertEquals(compareRows(stored, found).map(({ method, verdict }) => [method, verdict]), [
    ["a", "same bits"],
    ["b", "within interval"],
    ["c", "different"],
    ["d", "different"],
    ["e", "different"],
    ["f", "different"],
  ]);
  const [, b, , , e] = compareRows(stored, found);
  assertEquals(b, { method: "b", attack: "clean", eps: "0", stored: 0.5, found: 0.59, verdict: "within interval" });
  assertEquals([e!.stored, e!.found], [0.5, undefined]);
});
