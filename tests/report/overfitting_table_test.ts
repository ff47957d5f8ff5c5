import { assertEquals, assertThrows } from "@std/assert";
import { type EvaluationRow, UsageError, wilson } from "../../lib/core/mod.ts";
import { overfittingTable } from "../../lib/report/mod.ts";
import { EPOCHS } from "./_rows.ts";

const evaluated = (method: string, attack: string, eps: string, correct: number): EvaluationRow => ({
  method,
  attack,
  eps,
  n: 200,
  correct,
  ...wilson(correct, 200),
});

Deno.test("overfittingTable() gives best less last, on validation images and at the largest radius of each attack", () => {
  const { columns, rows } = overfittingTable(EPOCHS, [
    evaluated("kd", "clean", "0", 120),
    evaluated("kd", "pgd-20", "4/255", 100),
    evaluated("kd", "pgd-20", "8/255", 20),
    evaluated("kd.best", "clean", "0", 115),
    evaluated("kd.best", "pgd-20", "4/255", 100),
    evaluated("kd.best", "pgd-20", "8/255", 70),
    evaluated("teacher", "clean", "0", 150),
  ]);
  assertEquals(columns.slice(1), [
    ...["Best epoch", "Last epoch", "Best val.", "Last val.", "Gap val.", "Gap Clean", "Gap PGD-20 8/255"],
  ]);
  assertEquals(rows.map((row) => row.join(" | ")), [
    "Teacher | 3 | 4 | 55.0 | 55.0 | 0.0 | - | -",
    "KD | 3 | 4 | 41.0 | 10.0 | +31.0 | -2.5 | +25.0",
  ]);
});

Deno.test("overfittingTable() takes for the last what a step back has left", () => {
  const rolled = EPOCHS.map((row) => row.alarm === "" ? row : { ...row, alarm: "rollBack" as const });
  assertEquals(overfittingTable(rolled, []).rows[1], ["KD", "3", "3", "41.0", "41.0", "0.0"]);
});

Deno.test("overfittingTable() refuses no rows", () => {
  assertThrows(() => overfittingTable([], []), UsageError, "Cannot tell of overfitting without a row");
});
