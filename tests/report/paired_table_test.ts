import { assertEquals } from "@std/assert";
import { pairedTable, tableText } from "../../lib/report/mod.ts";

Deno.test("pairedTable() writes a line per attack and radius, differences with their sign", () => {
  const counts = { method: "kdiga", other: "kd", n: 161, both: 59, neither: 80 };
  const table = pairedTable([
    {
      ...counts,
      attack: "clean",
      eps: "0",
      onlyFirst: 6,
      onlySecond: 16,
      difference: -0.0621,
      low: -0.1186,
      high: -0.0046,
      p: 0.0525,
    },
    {
      ...counts,
      attack: "pgd-20",
      eps: "8/255",
      onlyFirst: 22,
      onlySecond: 0,
      difference: 0.137,
      low: 0.1,
      high: 0.2,
      p: 1e-7,
    },
    {
      ...counts,
      attack: "worst",
      eps: "8/255",
      onlyFirst: 0,
      onlySecond: 0,
      difference: 0,
      low: -0.0001,
      high: 0.02,
      p: 1,
    },
  ]);
  assertEquals(table.rows, [
    ["KDIGA - KD, Clean", "161", "-6.2 [-11.9, -0.5]", "6", "16", "0.0525"],
    ["KDIGA - KD, PGD-20 8/255", "161", "+13.7 [+10.0, +20.0]", "22", "0", "<0.0001"],
    ["KDIGA - KD, Worst case 8/255", "161", "0.0 [0.0, +2.0]", "0", "0", "1.0000"],
  ]);
  assertEquals(table.rows.every((row) => row.length === table.columns.length), true);
  assertEquals(tableText(table).split("\n")[0]!.startsWith("Attack"), true);
});
