import { assertEquals } from "@std/assert";
import { classTable } from "../../lib/report/mod.ts";

Deno.test("classTable() writes a line per network and class, a column per attack and radius", () => {
  const row = (method: string, attack: string, eps: string, label: number, n = 10) => ({
    method,
    attack,
    eps,
    label,
    n,
    correct: 5,
    rate: 0.5,
    low: 0.2366,
    high: 0.7634,
  });
  const rows = [
    row("kd", "pgd-20", "8/255", 1),
    row("kd", "clean", "0", 1),
    row("kd", "clean", "0", 0),
    row("teacher", "clean", "0", 1, 12),
    row("teacher", "pgd-20", "8/255", 1),
    row("kd", "pgd-20", "2/255", 0),
  ];
  const cell = "50.0 [23.7, 76.3]";
  assertEquals(classTable(rows, ["cat", "dog"]), {
    caption: "Accuracy in percent [95 % Wilson interval] on the n images of each class.",
    columns: ["Method, class", "n", "Clean", "PGD-20 2/255", "PGD-20 8/255"],
    rows: [
      ["Teacher, dog", "10 to 12", cell, "-", cell],
      ["KD, cat", "10", cell, cell, "-"],
      ["KD, dog", "10", cell, "-", cell],
    ],
  });
  assertEquals(classTable(rows).rows[1]![0], "KD, 0");
});
