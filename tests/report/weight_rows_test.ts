import { assertEquals } from "@std/assert";
import { type EvaluationRow, wilson } from "../../lib/core/mod.ts";
import { weightRows } from "../../lib/report/mod.ts";

const row = (method: string): EvaluationRow => ({
  method,
  attack: "clean",
  eps: "0",
  n: 100,
  correct: 50,
  ...wilson(50, 100),
});
const found = (methods: readonly string[], own?: Record<string, number>): (string | number)[][] =>
  weightRows(methods.map(row), own).map(({ method, weight }) => [method, weight]);

Deno.test("weightRows() reads weights off the names of a sweep, and takes the base's own from who knows it", () => {
  const methods = ["teacher", "kdiga", "kdiga-weight-1", "kdiga-weight-0.5", "igdm", "igdm-weight-1e-7"];
  const named = [["kdiga", 1], ["kdiga", 0.5], ["igdm", 1e-7]];
  assertEquals(found(methods), named);
  assertEquals(found(methods, { kdiga: 16, kd: 2, constructor: 3 }), [["kdiga", 16], ...named]);
});

Deno.test("weightRows() leaves out methods without another weight, and a base's weight that is named too", () => {
  assertEquals(found(["kdiga"], { kdiga: 16 }), []);
  assertEquals(found(["kdiga", "kdiga-weight-16"], { kdiga: 16 }), [["kdiga", 16]]);
  assertEquals(found(["kdiga-weight-4-alpha-1", "kdiga-weight-", "weight-4", "kdiga-weight-x"]), []);
});
