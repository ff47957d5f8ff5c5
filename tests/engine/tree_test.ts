import { assertEquals, assertThrows } from "@std/assert";
import { float32, scalar } from "../../lib/core/mod.ts";
import { flatten, isLeaf, isValue, mapTree } from "../../lib/engine/mod.ts";

const a = float32([2]);
const b = scalar(1);

Deno.test("flatten() lists leaves with their paths, in the order of the keys, without absent ones", () => {
  const found = flatten({ list: [a, { deep: b }], none: undefined, last: a }, isLeaf);
  assertEquals(found.map(([path]) => path), ["list.0", "list.1.deep", "last"]);
  assertEquals(found[1]![1], b);
  assertEquals(flatten(b, isLeaf), [["", b]]);
});

Deno.test("mapTree() keeps the form and visits leaves in the order of flatten()", () => {
  let count = 0;
  assertEquals(mapTree({ x: [a, b], y: undefined }, isLeaf, () => count++), { x: [0, 1], y: undefined });
});

Deno.test("flatten() and mapTree() name what is neither leaf nor branch", () => {
  assertThrows(() => flatten({ x: [1] }, isLeaf), TypeError, 'Cannot use number 1 at "x.0" as a leaf');
  assertThrows(() => mapTree({ x: new Date() }, isLeaf, () => 0), TypeError, 'Cannot use a Date at "x" as a leaf');
});

Deno.test("isValue() tells what lives on an engine from an array", () => {
  assertEquals(isValue(a), false);
  assertEquals(isValue({ dtype: "float32", shape: [], dispose: () => {} }), true);
});
