import { assertEquals } from "@std/assert";
import { float32, scalar } from "../../lib/core/mod.ts";
import { disposeTree, isValue, putTree, readTree, takeTree } from "../../lib/engine/mod.ts";
import { testOnEngines } from "../testing/engines.ts";

testOnEngines("putTree(), readTree() and takeTree() move trees to the engine and back, bit for bit", async (engine) => {
  const tree = {
    a: float32([2], [1.1, NaN]),
    list: [scalar(-0), { dtype: "bool", shape: [1], data: Uint8Array.of(1) } as const],
  };
  const values = putTree(engine, tree);
  assertEquals([values.a, ...values.list].every(isValue), true);
  assertEquals(await readTree(engine, values), tree);
  // Values pass through, arrays are read as they are.
  assertEquals(putTree(engine, values), values);
  assertEquals(await readTree(engine, tree), tree);
  assertEquals(await takeTree(engine, values), tree);
  disposeTree(values);
  disposeTree(tree);
});
