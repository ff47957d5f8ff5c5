import { assertEquals } from "@std/assert";
import type { NdArray } from "../../../lib/core/mod.ts";
import { createEngine, type Engine, type Leaf } from "../../../lib/engine/mod.ts";
import { selfTest } from "../../../lib/engine/libtensorflow/self_test.ts";
import { testOnEngines } from "../../testing/engines.ts";

testOnEngines("selfTest() passes an engine whose numbers agree", async (engine) => {
  assertEquals(await selfTest(engine), undefined);
});

Deno.test("selfTest() names what is wrong", async () => {
  await using engine = await createEngine("reference");
  const slightlyWrong: Pick<Engine, "compile" | "read"> = {
    compile: engine.compile,
    read: async (leaf: Leaf): Promise<NdArray> => {
      const array = await engine.read(leaf);
      if (String(array.shape) === "3,3,3,4") array.data[5]! += 0.01 * Math.max(...array.data);
      return array;
    },
  };
  assertEquals(await selfTest(slightlyWrong), "its self-test gave wrong numbers: gradient by the filter");
});

Deno.test("selfTest() says how an engine failed", async () => {
  await using engine = await createEngine("reference");
  const read = () => Promise.reject(new Error("no memory"));
  assertEquals(await selfTest({ compile: engine.compile, read }), "its self-test failed: no memory");
});
