import { assertEquals, assertThrows } from "@std/assert";
import { DataError, UsageError } from "../../lib/core/mod.ts";
import { robustnessBars, type RobustnessBarsOptions } from "../../lib/report/mod.ts";
import { EVALUATION } from "./_rows.ts";
import { viewsOf } from "./_spec.ts";

const barsOf = (options: RobustnessBarsOptions = {}, rows = EVALUATION) =>
  viewsOf(robustnessBars(rows, options))[0]!.rows.map((bar) => [bar["attack"], bar["method"], bar["accuracy"]]);

Deno.test("robustnessBars() groups percent by attack at one radius", () => {
  assertEquals(barsOf({ eps: "2/255" }), [
    ["Clean", "Teacher", 93],
    ["Clean", "KDIGA", 87],
    ["Clean", "my net", 95],
    ["FGSM", "Teacher", 88],
    ["FGSM", "KDIGA", 80],
    ["FGSM", "my net", 60],
    ["PGD-20", "Teacher", 87],
    ["PGD-20", "KDIGA", 78],
    ["PGD-20", "my net", 45],
  ]);
});

Deno.test("robustnessBars() takes the largest radius that the attacks share where none is given", () => {
  assertEquals(barsOf(), barsOf({ eps: "8/255" }));
  const rows = EVALUATION.filter((row) => row.attack !== "pgd-20" || row.eps !== "8/255");
  assertEquals(barsOf({}, rows), barsOf({ eps: "4/255" }));
});

Deno.test("robustnessBars() keeps the order of the attacks given", () => {
  const groups = barsOf({ attacks: ["pgd-20", "fgsm"] }).map(([attack]) => attack);
  assertEquals([...new Set(groups)], ["Clean", "PGD-20", "FGSM"]);
});

Deno.test("robustnessBars() draws the interval of the rows as a whisker", () => {
  const [bars, , whiskers] = viewsOf(robustnessBars(EVALUATION));
  assertEquals(whiskers!.fields, ["attack", "method", "low", "high"]);
  assertEquals(whiskers!.rows, bars!.rows);
});

Deno.test("robustnessBars() refuses what no row has, naming what there is", () => {
  assertThrows(
    () => robustnessBars(EVALUATION, { eps: "3/255" }),
    UsageError,
    'Cannot draw attack "fgsm" at eps 3/255 as no row has it: choose one of 2/255, 4/255, 8/255',
  );
  assertThrows(
    () => robustnessBars(EVALUATION, { attacks: ["square"] }),
    UsageError,
    'Cannot draw attack "square" as no row has it: choose one of fgsm, pgd-20',
  );
  assertThrows(
    () => robustnessBars(EVALUATION.filter((row) => row.attack !== "clean")),
    DataError,
    'Cannot draw "teacher" as it has no "clean" row: evaluate it without an attack as well',
  );
});
