import { assertEquals, assertThrows } from "@std/assert";
import { DataError, UsageError } from "../../lib/core/mod.ts";
import { analysisCurve } from "../../lib/report/mod.ts";
import { ANALYSIS } from "./_rows.ts";
import { viewsOf } from "./_spec.ts";

Deno.test("analysisCurve() draws one quantity over the radius, a band and a line per method", () => {
  const [band, line] = viewsOf(analysisCurve(ANALYSIS));
  assertEquals(band!.fields, ["eps", "low", "high", "method"]);
  assertEquals(line!.rows.map(({ method, eps, mean }) => [method, eps, mean]), [
    ["KD", 0, 0],
    ["KD", 4, 0.5],
    ["KD", 8, 1],
    ["KDIGA", 0, 0],
    ["KDIGA", 4, 0.25],
    ["KDIGA", 8, 0.5],
  ]);
});

Deno.test("analysisCurve() refuses a quantity that no row has, and rows that stand twice", () => {
  assertEquals(
    assertThrows(() => analysisCurve(ANALYSIS, { quantity: "gradient-cosine" }), UsageError).message,
    'Cannot draw "gradient-cosine" as no row has it: choose one of local-linearity, gradient-gap',
  );
  assertThrows(() => analysisCurve([]), UsageError, "analyse first");
  assertEquals(
    assertThrows(() => analysisCurve([...ANALYSIS, ANALYSIS[0]!]), DataError).message,
    'Cannot draw "kdiga" as eps 0 is there twice: keep one row of each',
  );
});
