import { assertEquals } from "@std/assert";
import { legendColumns, spreadLabels } from "../../lib/report/_labels.ts";

Deno.test("spreadLabels() leaves labels that are far enough apart", () => {
  assertEquals(spreadLabels([80, 20, 50], 5, 0, 100), [80, 20, 50]);
});

Deno.test("spreadLabels() moves neighbours apart around their mean, keeping their order", () => {
  assertEquals(spreadLabels([50, 52], 6, 0, 100), [48, 54]);
  assertEquals(spreadLabels([52, 50, 51, 90], 4, 0, 100), [55, 47, 51, 90]);
});

Deno.test("spreadLabels() puts the first of equal labels on top", () => {
  assertEquals(spreadLabels([50, 50], 4, 0, 100), [52, 48]);
});

Deno.test("spreadLabels() stays inside the ends", () => {
  assertEquals(spreadLabels([1, 0, 2], 5, 0, 100), [5, 0, 10]);
  assertEquals(spreadLabels([100, 99], 5, 0, 100), [100, 95]);
});

Deno.test("legendColumns() fills the width with rows of even length", () => {
  assertEquals(legendColumns(["a", "b"], 300), 2);
  assertEquals(legendColumns(Array(7).fill("Teacher"), 250), 4);
  assertEquals(legendColumns(["a name that is wider than the figure"], 50), 1);
});
