import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { DataError, UsageError } from "../../lib/core/mod.ts";
import { tradeOff } from "../../lib/report/mod.ts";
import { EVALUATION } from "./_rows.ts";
import { viewsOf } from "./_spec.ts";

Deno.test("tradeOff() puts accuracy at one radius over accuracy without attack", () => {
  const points = viewsOf(tradeOff(EVALUATION, { eps: "2/255" }))[2]!.rows;
  assertEquals(points.map(({ method, clean, robust }) => [method, clean, robust]), [
    ["Teacher", 93, 87],
    ["KDIGA", 87, 78],
    ["my net", 95, 45],
  ]);
  assertEquals(tradeOff(EVALUATION), tradeOff(EVALUATION, { eps: "8/255", attack: "pgd-20" }));
  assertMatch(String(tradeOff(EVALUATION, { interval: "t interval" }).description), /95 % intervals \(t interval\)\.$/);
});

Deno.test("tradeOff() refuses an attack that no row has, and a method without its clean row", () => {
  assertThrows(
    () => tradeOff(EVALUATION, { attack: "square" }),
    UsageError,
    'Cannot draw attack "square" as no row has it: choose one of fgsm, pgd-20',
  );
  assertThrows(
    () => tradeOff(EVALUATION.filter((row) => row.attack !== "clean")),
    DataError,
    'Cannot draw "kdiga" as it has no "clean" row: evaluate it without an attack as well',
  );
});
