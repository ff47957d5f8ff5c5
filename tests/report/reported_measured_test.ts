import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { DataError, type ReportedRow, UsageError, wilson } from "../../lib/core/mod.ts";
import { reportedMeasured } from "../../lib/report/mod.ts";
import { REPORTED } from "./_rows.ts";
import { viewsOf } from "./_spec.ts";

const row = (reported: number, correct: number, n = 500): ReportedRow => ({
  name: "Wong2020Fast",
  attack: "autoattack",
  reported,
  n,
  ...wilson(correct, n),
});

Deno.test("reportedMeasured() draws points, the diagonal, and bounds 1.96 standard deviations around it", () => {
  const views = viewsOf(reportedMeasured(REPORTED));
  assertEquals(views[3]!.rows, [{ reported: 0, measured: 0 }, { reported: 100, measured: 100 }]);
  const at = views[0]!.rows.find(({ reported }) => reported === 50)!;
  assertAlmostEquals(Number(at.above), 50 + 100 * 1.96 * Math.sqrt(0.25 / 500), 1e-3);
  assertAlmostEquals(Number(at.below), 50 - 100 * 1.96 * Math.sqrt(0.25 / 500), 1e-3);
  assertEquals([views[0]!.rows[0], views[0]!.rows.at(-1)], [
    { reported: 0, below: 0, above: 0 },
    { reported: 100, below: 100, above: 100 },
  ]);
  assertEquals(views.at(-1)!.rows.map(({ method, reported, measured }) => [method, reported, measured]), [
    ["Wong2020Fast", 43.21, 44],
    ["Zhang2019Theoretically", 53.08, 60],
  ]);
});

Deno.test("a point of reportedMeasured() is within the bounds just where its Wilson interval touches the diagonal", () => {
  let inside = 0;
  for (let correct = 200; correct <= 300; correct++) {
    const { low, high, rate } = row(0.5, correct);
    const bounds = viewsOf(reportedMeasured([row(0.5, correct)]))[0]!.rows.find(({ reported }) => reported === 50)!;
    const isWithin = 100 * rate >= Number(bounds.below) && 100 * rate <= Number(bounds.above);
    assertEquals(isWithin, low <= 0.5 && 0.5 <= high, `${correct} of 500`);
    if (isWithin) inside++;
  }
  assertEquals(inside, 43); // 229 to 271
});

Deno.test("reportedMeasured() draws the bounds of the fewest images", () => {
  const views = viewsOf(reportedMeasured([row(0.5, 50, 100), { ...row(0.5, 500, 1000), name: "other" }]));
  const { above } = views[0]!.rows.find(({ reported }) => reported === 50)!;
  assertAlmostEquals(Number(above), 50 + 100 * 1.96 * Math.sqrt(0.25 / 100), 1e-2);
});

Deno.test("reportedMeasured() refuses no rows, rates that are none, and rows that stand twice", () => {
  assertThrows(
    () => reportedMeasured([]),
    UsageError,
    "Cannot compare reported with measured accuracies without a row: give cards of the networks",
  );
  assertThrows(
    () => reportedMeasured([row(43.21, 220)]),
    DataError,
    'Cannot draw "Wong2020Fast" as its reported accuracy is 43.21: give a rate from 0 to 1',
  );
  assertThrows(
    () => reportedMeasured([...REPORTED, REPORTED[0]!]),
    DataError,
    'Cannot draw "Wong2020Fast" under "clean" as it is there twice: keep one row of each',
  );
});
