import { assertEquals } from "@std/assert";
import { type EvaluationRow, wilson } from "../../lib/core/mod.ts";
import { reportedRows } from "../../lib/report/mod.ts";

const row = (method: string, attack: string, eps: string, correct: number): EvaluationRow => ({
  method,
  attack,
  eps,
  n: 100,
  correct,
  ...wilson(correct, 100),
});
const CARD = { name: "Wong2020Fast", clean: 83.34, robust: 43.21, eps: "8/255" };

Deno.test("reportedRows() puts a card beside the network of its name, AutoAttack before the worst case", () => {
  const rows = [
    row("Wong2020Fast", "clean", "0", 82),
    row("Wong2020Fast", "pgd-20", "8/255", 47),
    row("Wong2020Fast", "autoattack", "4/255", 60),
    row("Wong2020Fast", "worst", "8/255", 46),
    row("kdiga", "clean", "0", 50),
  ];
  const found = (rows: readonly EvaluationRow[]) =>
    reportedRows([CARD], rows).map(({ name, attack, reported, rate, n }) => [name, attack, reported, rate, n]);
  const clean = ["Wong2020Fast", "clean", 0.8334, 0.82, 100];
  assertEquals(found(rows), [clean, ["Wong2020Fast", "worst", 0.4321, 0.46, 100]]);
  assertEquals(found([...rows, row("Wong2020Fast", "autoattack", "8/255", 44)]), [
    clean,
    ["Wong2020Fast", "autoattack", 0.4321, 0.44, 100],
  ]);
  assertEquals(found(rows.filter(({ method }) => method === "kdiga")), []);
});
