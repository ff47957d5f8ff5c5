import { assertEquals } from "@std/assert";
import type { NdArray } from "../../../lib/core/mod.ts";
import { createEngine, type Leaf } from "../../../lib/engine/mod.ts";
import { selfTest, type TestedEngine } from "../../../lib/engine/libtensorflow/self_test.ts";
import { testOnEngines } from "../../testing/engines.ts";

testOnEngines("selfTest() passes an engine whose numbers agree", async (engine) => {
  assertEquals(await selfTest(engine), undefined);
});

Deno.test("selfTest() names what is wrong", async () => {
  await using engine = await createEngine("reference");
  const wrongBy = (error: number, device: string): TestedEngine => ({
    device,
    compile: engine.compile,
    read: async (leaf: Leaf): Promise<NdArray> => {
      const array = await engine.read(leaf);
      if (String(array.shape) === "3,3,3,4") array.data[5]! += error * Math.max(...array.data);
      return array;
    },
  });
  const wrong = "its self-test gave wrong numbers: gradient by the filter";
  assertEquals(await selfTest(wrongBy(0.001, "cpu (2 threads)")), wrong);
  // A GPU that rounds factors to TF32 is as far from the reference as this.
  assertEquals(await selfTest(wrongBy(0.001, "gpu")), undefined);
  assertEquals(await selfTest(wrongBy(0.05, "gpu")), wrong);
});

Deno.test("selfTest() says how an engine failed", async () => {
  await using engine = await createEngine("reference");
  const read = () => Promise.reject(new Error("no memory"));
  assertEquals(await selfTest({ device: "cpu", compile: engine.compile, read }), "its self-test failed: no memory");
});
