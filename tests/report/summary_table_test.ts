import { assertEquals } from "@std/assert";
import { accuracyTable, summaryTable } from "../../lib/report/mod.ts";
import { EVALUATION } from "./_rows.ts";

Deno.test("summaryTable() has one column per attack, at the largest radius by number", () => {
  const attacks = [...new Set(EVALUATION.map(({ attack }) => attack))].filter((it) => it !== "clean" && it !== "worst");
  const radii = EVALUATION.filter(({ attack }) => attack !== "clean").map(({ eps }) => Number(eps.split("/")[0]));
  const eps = [`${Math.max(...radii)}/255`];
  assertEquals(summaryTable(EVALUATION), accuracyTable(EVALUATION, { attacks, eps }));
});

Deno.test("summaryTable() of images without an attack has the clean column", () => {
  const clean = EVALUATION.filter(({ attack }) => attack === "clean");
  assertEquals(summaryTable(clean).columns, ["Method", "n", "Clean"]);
});
