import { assertEquals, assertThrows } from "@std/assert";
import { type AnalysisRow, UsageError } from "../../lib/core/mod.ts";
import { analysisTable } from "../../lib/report/mod.ts";
import { ANALYSIS, shuffled } from "./_rows.ts";

Deno.test("analysisTable() has a line per method and a column per quantity and radius, in any order of rows", () => {
  const table = analysisTable(ANALYSIS, { eps: ["8/255"] });
  assertEquals(table.columns, ["Method", "n", "Local linearity 8/255", "Gap to teacher 8/255"]);
  assertEquals(table.rows, [
    ["KD", "200", "1.00 [0.900, 1.10]", "2.00 [1.90, 2.10]"],
    ["KDIGA", "200", "0.500 [0.400, 0.600]", "1.50 [1.40, 1.60]"],
  ]);
  assertEquals(analysisTable(shuffled(ANALYSIS), { eps: ["8/255"] }), table);
  const all = analysisTable(ANALYSIS, { quantities: ["gradient-gap"] });
  assertEquals(all.columns.slice(2), ["Gap to teacher 0", "Gap to teacher 4/255", "Gap to teacher 8/255"]);
});

Deno.test("analysisTable() writes what a network lacks as a dash, and small and large numbers in full", () => {
  const row: AnalysisRow = { method: "kd", eps: "0", quantity: "cross-entropy", n: 9, mean: 0, low: 1e-7, high: 12345 };
  const table = analysisTable([row, { ...row, method: "teacher", quantity: "local-linearity", n: 8 }]);
  assertEquals(table.rows, [
    ["Teacher", "8", "0 [1e-7, 12300]", "-"],
    ["KD", "9", "-", "0 [1e-7, 12300]"],
  ]);
});

Deno.test("analysisTable() refuses a quantity or a radius that no row has", () => {
  for (const options of [{ quantities: ["cross-entropy"] }, { eps: ["3/255"] }] as const) {
    assertEquals(
      assertThrows(() => analysisTable(ANALYSIS, options), UsageError).message,
      "Cannot make a table of the analysis as no row has that quantity and radius: analyse first",
    );
  }
});
