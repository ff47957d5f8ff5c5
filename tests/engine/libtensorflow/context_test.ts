import { assertEquals, assertThrows } from "@std/assert";
import { float32, int32, type NdArray } from "../../../lib/core/mod.ts";
import { type Context, createContext } from "../../../lib/engine/libtensorflow/context.ts";
import { encodeGraphDef } from "../../../lib/engine/libtensorflow/encode_graph_def.ts";
import { openLibrary } from "../../../lib/engine/libtensorflow/ffi.ts";
import type { GraphNode } from "../../../lib/engine/trace/graph.ts";
import { TENSORFLOW_LIBRARY } from "../../testing/engines.ts";

const sum: GraphNode = { op: "Add", domain: "", inputs: ["a", "b"], outputs: ["y"], attributes: {}, flops: 0 };
const vector = (name: string, length: number) => ({ name, dtype: "float32", shape: [length] }) as const;
const ADD = encodeGraphDef({
  nodes: [sum],
  constants: [],
  inputs: [vector("a", 2), vector("b", 2)],
  outputs: [vector("y", 2)],
});

function testContext(name: string, body: (context: Context) => void): void {
  const fn = () => {
    const context = createContext(openLibrary(TENSORFLOW_LIBRARY!), 1);
    try {
      body(context);
    } finally {
      context.close();
    }
  };
  Deno.test({ name, ignore: TENSORFLOW_LIBRARY === undefined, fn });
}

testContext("a context copies arrays of every type in and out", (context) => {
  const flags: NdArray = { dtype: "bool", shape: [2, 1], data: Uint8Array.of(1, 0) };
  const part = new Float32Array([9, 1, 2, 9]).subarray(1, 3);
  for (const array of [float32([2], part), float32([], [3]), int32([1, 2], [-1, 7]), flags, float32([0, 3])]) {
    const handle = context.put(array);
    const data = context.read(handle);
    assertEquals([data.constructor, [...data]], [array.data.constructor, [...array.data]]);
    context.delete(handle);
  }
});

testContext("a context runs a function until it is removed", (context) => {
  context.addFunction("sum", ADD, ["a", "b"], ["y"]);
  const a = context.put(float32([2], [1, 2]));
  const [y] = context.run("sum", [a, a], ["float32"]);
  assertEquals([...context.read(y!)], [2, 4]);
  context.removeFunction("sum");
  assertThrows(() => context.run("sum", [a, a], ["float32"]), Error, "Cannot ");
  // The name is free again.
  context.addFunction("sum", ADD, ["b", "a"], ["y"]);
  const [again] = context.run("sum", [y!, a], ["float32"]);
  assertEquals([...context.read(again!)], [3, 6]);
  for (const handle of [a, y!, again!]) context.delete(handle);
});

testContext("a context says what is wrong in the library's words", (context) => {
  assertThrows(() => context.addFunction("f", Uint8Array.of(1, 2, 3), [], []), Error, "Cannot import the graph: ");
  assertThrows(
    () => context.addFunction("f", ADD, ["a", "b"], ["none"]),
    Error,
    "Cannot make a function of the graph: ",
  );
  assertThrows(() => context.removeFunction("f"), Error, "Cannot remove the function: ");
});
