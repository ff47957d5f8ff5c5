import { assertEquals, assertThrows } from "@std/assert";
import { DataError, UsageError } from "../../lib/core/mod.ts";
import { convergenceFan, methodStyles } from "../../lib/report/mod.ts";
import { CONVERGENCE } from "./_rows.ts";
import { viewsOf } from "./_spec.ts";

Deno.test("convergenceFan() draws the accuracy that each attack has left, and a fan of margins for each", () => {
  const views = viewsOf(convergenceFan(CONVERGENCE));
  assertEquals(views.map(({ fields }) => fields.join()), [
    "looks,low,high,name",
    "looks,accuracy,name",
    ...["apgd-ce", "pgd-20"].flatMap(() => ["looks,q5,q95", "looks,q25,q75", "looks,q50", ""]),
  ]);
  assertEquals(
    views[1]!.rows.filter(({ name }) => name === "PGD-20").map(({ looks, accuracy }) => [looks, accuracy]),
    [[0, 90], [1, 85], [2, 80], [3, 75], [4, 70]],
  );
  const last = views[2]!.rows.at(-1)!;
  assertEquals([last.looks, last.q5, last.q25, last.q50, last.q75, last.q95], [9, -10, -7, -5, -3, 0]);
});

Deno.test("convergenceFan() keeps the first and the last look of a line, and as many between as are asked for", () => {
  const long = Array.from({ length: 901 }, (_, looks) => ({ ...CONVERGENCE[0]!, looks }));
  const looks = viewsOf(convergenceFan(long, { points: 10 }))[1]!.rows.map(({ looks }) => looks);
  assertEquals(looks, [0, 2, 6, 14, 29, 58, 116, 230, 455, 899, 900]);
  assertThrows(() => convergenceFan(long, { points: 0 }), RangeError, "Cannot thin to 0 points");
});

Deno.test("convergenceFan() draws one attack on several networks in the colours of the networks", () => {
  const rows = CONVERGENCE.filter(({ attack }) => attack === "pgd-20");
  const spec = convergenceFan([...rows, ...rows.map((row) => ({ ...row, method: "teacher" }))]);
  assertEquals(spec.description?.startsWith("Convergence of PGD-20 on Teacher, KDIGA at radius 8/255"), true);
  const { range } = (JSON.parse(JSON.stringify(spec)).vconcat[0].layer[0].encoding.color.scale) as { range: string[] };
  assertEquals(range, [...methodStyles(["teacher", "kdiga"]).values()].map(({ color }) => color));
});

Deno.test("convergenceFan() refuses what is not one figure", () => {
  const other = (change: object) => [...CONVERGENCE, ...CONVERGENCE.map((row) => ({ ...row, ...change }))];
  assertThrows(() => convergenceFan([]), UsageError, "Cannot draw a fan without a row: trace attacks first");
  assertThrows(
    () => convergenceFan(other({ method: "kd" })),
    UsageError,
    "Cannot draw 2 attacks on 2 networks in one figure: choose one attack or one network",
  );
  assertThrows(
    () => convergenceFan(other({ eps: "4/255" })),
    UsageError,
    "Cannot draw radii 8/255, 4/255 in one figure: choose one",
  );
  assertThrows(
    () => convergenceFan([...CONVERGENCE, CONVERGENCE[2]!]),
    DataError,
    'Cannot draw "pgd-20" as its look 2 is there twice: keep one row of each',
  );
});
