import { assertEquals } from "@std/assert";
import { bracketTable } from "../../lib/report/mod.ts";
import { BRACKET } from "./_rows.ts";

Deno.test("bracketTable() gives both ends with their intervals, a line per network and radius", () => {
  const { columns, rows } = bracketTable(BRACKET);
  assertEquals(columns, ["Method, radius", "n", "All attacks failed", "Not yet broken"]);
  assertEquals(rows.map((row) => row.join(" | ")), [
    "KDIGA, Clean | 200 | 80.0 [73.9, 85.0] | 80.0 [73.9, 85.0]",
    "KDIGA, Linf 4/255 | 200 | 60.0 [53.1, 66.5] | 60.0 [53.1, 66.5]",
    "KDIGA, Linf 8/255 | 200 | 40.0 [33.5, 46.9] | 40.0 [33.5, 46.9]",
    "KD, Clean | 200 | 80.0 [73.9, 85.0] | 80.0 [73.9, 85.0]",
    "KD, Linf 4/255 | 200 | 50.0 [43.1, 56.9] | 65.0 [58.2, 71.3]",
    "KD, Linf 8/255 | 200 | 20.0 [15.0, 26.1] | 50.0 [43.1, 56.9]",
  ]);
});
