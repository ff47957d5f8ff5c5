import { assertEquals } from "@std/assert";
import { costTable } from "../../lib/report/mod.ts";

const PASSES = { studentForward: 1, studentBackward: 3, teacherForward: 1, teacherBackward: 1 };

Deno.test("costTable() has a line per network, with times where they are known", () => {
  const { columns, rows } = costTable([
    { method: "teacher", ...PASSES, images: 0, seconds: "", secondsPerImage: "" },
    { method: "kdiga", ...PASSES, images: 96, seconds: 1.2, secondsPerImage: 0.0125 },
  ]);
  assertEquals(columns, ["Method", "Student passes", "Teacher passes", "Images", "ms per image", "Seconds"]);
  assertEquals(rows.map((row) => row.join(" | ")).sort(), [
    "KDIGA | 1 / 3 | 1 / 1 | 96 | 12.50 | 1.2",
    "Teacher | 1 / 3 | 1 / 1 | 0 | - | -",
  ]);
});
