import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { teacherTable } from "../../lib/report/mod.ts";
import { TEACHER } from "./_rows.ts";

Deno.test("teacherTable() has a line per kind of images", () => {
  const { columns, rows, caption } = teacherTable(TEACHER);
  assertEquals(columns, ["Images", "n", "Accuracy (%)", "ECE (%)", "Entropy (nats)", "Local linearity (nats)"]);
  assertEquals(rows.map((row) => row.join(" | ")), [
    "Clean | 200 | 80.0 [73.9, 85.0] | 5.0 | 1.23 | 0.0123",
    "PGD-20 8/255 | 200 | 60.0 [53.1, 66.5] | 10.0 | 1.23 | -",
    "PGD-20 8/255 on KDIGA | 200 | 40.0 [33.5, 46.9] | 15.0 | 1.23 | -",
  ]);
  assertEquals(caption.includes("local linearity error within 8/255 at clean images"), true);
});

Deno.test("teacherTable() refuses no rows", () => {
  assertThrows(() => teacherTable([]), UsageError, "Cannot make a table of a teacher without a row: inspect it first");
});
