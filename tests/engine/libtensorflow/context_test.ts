import { assertEquals, assertThrows } from "@std/assert";
import { float32, int32, type NdArray } from "../../../lib/core/mod.ts";
import { type Context, createContext } from "../../../lib/engine/libtensorflow/context.ts";
import { encodeGraphDef } from "../../../lib/engine/libtensorflow/encode_graph_def.ts";
import { cString, openLibrary, type Symbols, type TensorflowLibrary } from "../../../lib/engine/libtensorflow/ffi.ts";
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

/** A library up to its list of devices, which are pairs of type and name, and what it is asked to do. */
function fakeLibrary(devices: readonly (readonly [type: string, name: string])[]) {
  const asked: string[] = [];
  const config: number[] = [];
  const texts = devices.map((device) => device.map(cString));
  const something = Deno.UnsafePointer.of(new Uint8Array(1))!;
  const symbols: Partial<Symbols> = {
    "TFE_NewContextOptions": () => something,
    "TFE_ContextOptionsSetConfig": (_, bytes) => void config.push(...bytes as Uint8Array),
    "TFE_DeleteContextOptions": () => {},
    "TFE_NewContext": () => something,
    "TFE_ContextListDevices": () => something,
    "TF_DeviceListCount": () => devices.length,
    "TF_DeviceListType": (_, index) => Deno.UnsafePointer.of(texts[index]![0]!),
    "TF_DeviceListName": (_, index) => Deno.UnsafePointer.of(texts[index]![1]!),
    "TF_DeleteDeviceList": () => void asked.push("delete the list"),
    "TF_AllocateTensor": () => something,
    "TF_DeleteTensor": () => {},
    "TFE_NewTensorHandle": () => something,
    "TFE_DeleteTensorHandle": () => {},
    "TFE_TensorHandleCopyToDevice": (_handle, _context, name) => {
      asked.push(`copy to ${new TextDecoder().decode(name as Uint8Array).slice(0, -1)}`);
      return something;
    },
  };
  const library: TensorflowLibrary = { symbols: symbols as Symbols, status: something, version: "0", check: () => {} };
  return { library, asked, config };
}

const DEVICES = [["CPU", "/device:CPU:0"], ["GPU", "/device:GPU:0"], ["GPU", "/device:GPU:1"]] as const;

Deno.test("a context computes on the first GPU of its library, where numbers are put", () => {
  for (const device of [undefined, "gpu"] as const) {
    const { library, asked, config } = fakeLibrary(DEVICES);
    const context = createContext(library, 3, device);
    assertEquals(context.device, "gpu");
    context.put(float32([0]));
    // Labels and flags stay with the operators that TensorFlow has on the processor alone.
    context.put(int32([0]));
    assertEquals(asked, ["delete the list", "copy to /device:GPU:0"]);
    // Three threads; a GPU that is not taken whole.
    assertEquals(config, [2 << 3, 3, 6 << 3 | 2, 2, 4 << 3, 1]);
  }
});

Deno.test("a context computes on the processor where its library lists no GPU", () => {
  for (const device of [undefined, "gpu"] as const) {
    const { library, asked } = fakeLibrary(DEVICES.slice(0, 1));
    const context = createContext(library, 1, device);
    assertEquals(context.device, "cpu");
    context.put(float32([0]));
    assertEquals(asked, ["delete the list"]);
  }
});

Deno.test("a context on the processor asks its library to count no GPU", () => {
  const { library, config } = fakeLibrary(DEVICES.slice(0, 1));
  assertEquals(createContext(library, 1, "cpu").device, "cpu");
  const entry = [1 << 3 | 2, 3, ..."GPU".split("").map((letter) => letter.charCodeAt(0)), 2 << 3, 0];
  assertEquals(config.slice(-2 - entry.length), [1 << 3 | 2, entry.length, ...entry]);
});
