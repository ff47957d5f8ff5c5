import { assertEquals } from "@std/assert";
import type { NdArray } from "../../../lib/core/mod.ts";
import { createEngine, type Program, type Value } from "../../../lib/engine/mod.ts";
import { findBlockSize } from "../../../lib/engine/onnxruntime/find_block_size.ts";

/** What a machine makes of convolutions of a block size: right numbers, slightly wrong ones, or an error. */
type Behaviour = "right" | "wrong" | "error";

async function found(behaviour: Readonly<Record<number, Behaviour>>): Promise<number> {
  await using engine = await createEngine("reference");
  const wrong = new WeakSet<Value>();
  const compile = (blockSize: number) => <I, O>(fn: (inputs: I) => O): Program<I, O> => {
    const program = engine.compile(fn);
    const run = async (inputs: Parameters<typeof program>[0]) => {
      if (behaviour[blockSize] === "error") throw new Error("no such operator");
      const outputs = await program(inputs);
      if (behaviour[blockSize] === "wrong") wrong.add((outputs as { grad: Value }).grad);
      return outputs;
    };
    return Object.assign(run, { stats: [], dispose: () => {} });
  };
  const read = async (leaf: Value | NdArray): Promise<NdArray> => {
    const array = await engine.read(leaf);
    if (wrong.has(leaf as Value)) array.data[7]! += 0.01;
    return array;
  };
  return await findBlockSize(compile, read);
}

Deno.test("findBlockSize() takes the widest blocks that compute what plain convolutions do", async () => {
  assertEquals(await found({ 16: "right", 8: "right" }), 16);
  assertEquals(await found({ 16: "wrong", 8: "right" }), 8);
  assertEquals(await found({ 16: "error", 8: "right" }), 8);
});

Deno.test("findBlockSize() turns the internal operators off where none is right", async () => {
  assertEquals(await found({ 16: "wrong", 8: "error" }), 0);
});
