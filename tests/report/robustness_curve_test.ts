import { assertEquals, assertThrows } from "@std/assert";
import { DataError, UsageError } from "../../lib/core/mod.ts";
import { robustnessCurve } from "../../lib/report/mod.ts";
import { EVALUATION } from "./_rows.ts";
import { viewsOf } from "./_spec.ts";

const pointsOf = (rows = EVALUATION, attack = "pgd-20") => viewsOf(robustnessCurve(rows, { attack }))[0]!.rows;

Deno.test("robustnessCurve() draws percent over units of 1/255, from the clean row at 0", () => {
  assertEquals(pointsOf().filter((point) => point["method"] === "KDIGA"), [
    // Wilson intervals of 174, 156, 140 and 100 of 200 by Python 3.11 with statistics.NormalDist().inv_cdf(0.975).
    { method: "KDIGA", eps: 0, accuracy: 87, low: 81.6336, high: 90.9718, n: 200 },
    { method: "KDIGA", eps: 2, accuracy: 78, low: 71.7612, high: 83.1835, n: 200 },
    { method: "KDIGA", eps: 4, accuracy: 70, low: 63.3209, high: 75.9253, n: 200 },
    { method: "KDIGA", eps: 8, accuracy: 50, low: 43.1361, high: 56.8639, n: 200 },
  ]);
});

Deno.test("robustnessCurve() lists the methods in the order of the theme", () => {
  assertEquals([...new Set(pointsOf().map((point) => point["method"]))], ["Teacher", "KDIGA", "my net"]);
});

Deno.test("robustnessCurve() draws the rows of its attack only", () => {
  const rate = (attack: string) =>
    pointsOf(EVALUATION, attack).find((point) => point["method"] === "my net" && point["eps"] === 8)!["accuracy"];
  assertEquals([rate("fgsm"), rate("pgd-20")], [12, 0]);
});

Deno.test("robustnessCurve() takes the clean row for radius 0 and another spelling of a radius", () => {
  const rows = EVALUATION.map((row) => row.eps === "8/255" ? { ...row, eps: String(8 / 255) } : row);
  const start = { ...EVALUATION.find((row) => row.attack === "pgd-20")!, eps: "0" };
  assertEquals(pointsOf([...rows, start]), pointsOf());
});

Deno.test("robustnessCurve() leaves out a method that was not attacked", () => {
  const rows = EVALUATION.filter((row) => row.method !== "teacher" || row.attack !== "pgd-20");
  assertEquals(new Set(pointsOf(rows).map((point) => point["method"])), new Set(["KDIGA", "my net"]));
});

Deno.test("robustnessCurve() refuses an unknown attack, naming those there are", () => {
  assertThrows(
    () => robustnessCurve(EVALUATION, { attack: "pgd-50" }),
    UsageError,
    'Cannot draw attack "pgd-50" as no row has it: choose one of fgsm, pgd-20',
  );
  assertThrows(
    () => robustnessCurve(EVALUATION.filter((row) => row.attack === "clean")),
    UsageError,
    'Cannot draw attack "pgd-20" as no row has it: evaluate under an attack first',
  );
});

Deno.test("robustnessCurve() refuses a method without a clean row", () => {
  assertThrows(
    () => robustnessCurve(EVALUATION.filter((row) => row.method !== "kdiga" || row.attack !== "clean")),
    DataError,
    'Cannot draw "kdiga" as it has no "clean" row: evaluate it without an attack as well',
  );
});

Deno.test("robustnessCurve() refuses two rows for one point", () => {
  assertThrows(
    () => robustnessCurve([...EVALUATION, EVALUATION[0]!]),
    DataError,
    'Cannot draw "kdiga" under "clean" as eps 0 is there twice: keep one row of each',
  );
});
