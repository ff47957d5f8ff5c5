import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { trainingCurves } from "../../lib/report/mod.ts";
import { STEPS } from "./_rows.ts";
import { viewsOf } from "./_spec.ts";

interface Panels {
  readonly vconcat: {
    readonly layer: { readonly encoding: { readonly y: { readonly axis: { readonly title: string } } } }[];
  }[];
}

Deno.test("trainingCurves() draws a panel for the sum and for each term, in the order of the objective", () => {
  const { vconcat } = trainingCurves(STEPS) as unknown as Panels;
  assertEquals(vconcat.map((panel) => panel.layer[0]!.encoding.y.axis.title), [
    "Total loss",
    "CE",
    "KL",
    "IGA (×10⁻³)",
  ]);
});

Deno.test("trainingCurves() draws a method only in the panels of its terms", () => {
  const methods = viewsOf(trainingCurves(STEPS)).map(({ rows }) => [...new Set(rows.map((row) => row["method"]))]);
  // A line and its end each.
  const two = [["Natural", "KDIGA"], ["Natural", "KDIGA"]];
  const one = [["KDIGA"], ["KDIGA"]];
  assertEquals(methods, [...two, ...two, ...one, ...one]);
});

Deno.test("trainingCurves() keeps every step where there is room", () => {
  const [kl] = viewsOf(trainingCurves(STEPS, { terms: ["kl"] }));
  assertEquals(kl!.rows, Array.from({ length: 7 }, (_, step) => ({ method: "KDIGA", step, value: step / 8 })));
});

Deno.test("trainingCurves() ends each line in its method's point", () => {
  const [, ends] = viewsOf(trainingCurves(STEPS, { terms: ["ce"] }));
  assertEquals(ends!.rows, ["Natural", "KDIGA"].map((method) => ({ method, step: 6, value: 0.5 })));
  assertEquals(ends!.fields, ["step", "value", "method", "method"]);
});

Deno.test("trainingCurves() thins by means over runs of steps", () => {
  const [kl] = viewsOf(trainingCurves(STEPS, { terms: ["kl"], points: 3 }));
  assertEquals(kl!.rows, [
    { method: "KDIGA", step: 1, value: 0.125 }, // steps 0, 1, 2
    { method: "KDIGA", step: 4, value: 0.5 }, // 3, 4, 5
    { method: "KDIGA", step: 6, value: 0.75 }, // 6
  ]);
});

Deno.test("trainingCurves() refuses what it cannot draw", () => {
  assertThrows(
    () => trainingCurves(STEPS, { terms: ["mse"] }),
    UsageError,
    'Cannot draw term "mse" as no step has it: choose from loss, ce, kl, iga',
  );
  assertThrows(() => trainingCurves([]), UsageError, "Cannot draw training curves as there is no step: train first");
  assertThrows(
    () => trainingCurves(STEPS, { points: 0 }),
    RangeError,
    "Cannot thin to 0 points: give an integer of at least 1",
  );
});
