import { assertEquals, assertThrows } from "@std/assert";
import { DataError, UsageError } from "../../lib/core/mod.ts";
import { bracketCurve } from "../../lib/report/mod.ts";
import { BRACKET } from "./_rows.ts";
import { viewsOf } from "./_spec.ts";

Deno.test("bracketCurve() draws a band between both ends over the radius, per method", () => {
  const [band] = viewsOf(bracketCurve(BRACKET));
  assertEquals(band!.fields, ["eps", "lower", "upper", "method"]);
  assertEquals(band!.rows.map(({ method, eps, lower, upper }) => [method, eps, lower, upper]), [
    ["KD", 0, 80, 80],
    ["KD", 4, 50, 65],
    ["KD", 8, 20, 50],
    ["KDIGA", 0, 80, 80],
    ["KDIGA", 4, 60, 60],
    ["KDIGA", 8, 40, 40],
  ]);
});

Deno.test("bracketCurve() refuses no rows, and rows that stand twice", () => {
  assertThrows(() => bracketCurve([]), UsageError, "Cannot draw a bracket without a row: evaluate within a budget");
  assertEquals(
    assertThrows(() => bracketCurve([...BRACKET, BRACKET[1]!]), DataError).message,
    'Cannot draw "kdiga" as eps 4/255 is there twice: keep one row of each',
  );
});
