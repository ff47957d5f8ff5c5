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

Deno.test("analysisCurve() is logarithmic where methods lie far apart, without values of 0, but for the cosine", () => {
  const far = ANALYSIS.map((row) => {
    const [mean, low] = row.method === "kd" ? [row.mean, row.low] : [row.mean / 100, row.low / 100 - 0.1];
    return { ...row, mean, low };
  });
  const scaleOf = (spec: unknown) =>
    JSON.stringify(spec).match(/"scale":({"type":"log","domain":[^}]*}|{"zero":(true|false),"nice":true})/)![1];
  assertEquals(scaleOf(analysisCurve(ANALYSIS)), '{"zero":true,"nice":true}');
  assertEquals(scaleOf(analysisCurve(far, { scale: "linear" })), '{"zero":true,"nice":true}');
  assertEquals(scaleOf(analysisCurve(far)), '{"type":"log","domain":[0.001,10]}');
  assertEquals(JSON.stringify(analysisCurve(far)).includes('"values":[0.001,0.01,0.1,1,10]'), true);
  const [band] = viewsOf(analysisCurve(far));
  assertEquals(band!.rows.map(({ method, eps, mean, low }) => [method, eps, mean, low]), [
    ["KD", 4, 0.5, 0.4],
    ["KD", 8, 1, 0.9],
    // Ends of intervals below 0 are drawn at half of the least mean.
    ["KDIGA", 4, 0.0025, 0.00125],
    ["KDIGA", 8, 0.005, 0.00125],
  ]);
  const zeros = far.map((row) => ({ ...row, mean: 0 }));
  assertEquals(scaleOf(analysisCurve(zeros, { scale: "log" })), '{"zero":true,"nice":true}');
  const cosines = far.filter(({ quantity }) => quantity === "local-linearity")
    .map((row) => ({ ...row, quantity: "gradient-cosine" as const }));
  assertEquals(scaleOf(analysisCurve(cosines, { quantity: "gradient-cosine" })), '{"zero":false,"nice":true}');
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
