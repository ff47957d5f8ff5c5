import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { DataError, UsageError } from "../../lib/core/mod.ts";
import { summarizeClasses } from "../../lib/evaluation/mod.ts";
import { classRows } from "../../lib/report/_class_rows.ts";
import { classRobustness, type ClassRobustnessOptions } from "../../lib/report/mod.ts";
import { CLASSES, EVIDENCE } from "./_rows.ts";
import { viewsOf } from "./_spec.ts";

const points = (options: ClassRobustnessOptions, layer: number): unknown[][] =>
  viewsOf(classRobustness(CLASSES, options))[layer]!.rows
    .map((row) => [row.class, row.method, row.accuracy]);

Deno.test("classRobustness() draws each class without attack and at one radius, methods in the theme's order", () => {
  const classes = ["airplane", "bird", "cat"];
  assertEquals(points({ classes }, 1), [
    ["airplane", "Teacher", 90],
    ["airplane", "KDIGA", 88],
    ["bird", "Teacher", 80],
    ["bird", "KDIGA", 72],
    ["cat", "Teacher", 60],
    ["cat", "KDIGA", 50],
  ]);
  assertEquals(points({ classes }, 3).map(([, , accuracy]) => accuracy), [60, 56, 50, 40, 10, 4]);
  assertEquals(points({ eps: "4/255" }, 3).map(([, , accuracy]) => accuracy), [70, 66, 60, 50, 20, 14]);
  assertEquals(points({ classes: ["airplane"] }, 3).map(([name]) => name), [
    "airplane",
    "airplane",
    "1",
    "1",
    "2",
    "2",
  ]);
});

Deno.test("classRobustness() draws of many classes those that hold least", () => {
  assertEquals(points({ most: 2 }, 3).map(([name]) => name), ["1", "1", "2", "2"]);
  assertMatch(
    String(classRobustness(CLASSES, { most: 2 }).description),
    /intervals\. The 2 of 3 classes that hold least\.$/,
  );
});

Deno.test("classRobustness() refuses what no row has, and rows that stand twice", () => {
  assertThrows(
    () => classRobustness(CLASSES, { attack: "fgsm" }),
    UsageError,
    'Cannot draw attack "fgsm" as no row has it: choose one of pgd-20',
  );
  assertThrows(
    () => classRobustness(CLASSES, { eps: "1/255" }),
    UsageError,
    'Cannot draw attack "pgd-20" at eps 1/255 as no row has it: choose one of 4/255, 8/255',
  );
  assertThrows(
    () => classRobustness([...CLASSES, CLASSES[2]!]),
    DataError,
    'Cannot draw class 0 of "teacher" as it is there twice: keep one row of each',
  );
});

Deno.test("rows of classes that figures count from evidence are those that summarizeClasses() gives", () => {
  const sorted = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).sort();
  assertEquals(
    sorted(classRows(EVIDENCE)),
    sorted(summarizeClasses(EVIDENCE).filter(({ attack }) => attack !== "worst")),
  );
});
