import { assertEquals, assertThrows } from "@std/assert";
import { encodeGraphDef } from "../../../lib/engine/libtensorflow/encode_graph_def.ts";
import type { GraphNode } from "../../../lib/engine/trace/graph.ts";

const node = (op: string): GraphNode => ({
  op,
  domain: "",
  inputs: ["x0"],
  outputs: ["v1"],
  attributes: {},
  flops: 0,
});
const x0 = { name: "x0", dtype: "float32", shape: [2] } as const;
const v1 = { name: "v1", dtype: "float32", shape: [2] } as const;

Deno.test("encodeGraphDef() writes the bytes of a GraphDef", () => {
  const bytes = encodeGraphDef({ nodes: [node("Relu")], constants: [], inputs: [x0], outputs: [v1] });
  const text = (value: string) => [value.length, ...new TextEncoder().encode(value)];
  // By hand from tensorflow/core/framework/{graph,node_def,attr_value,tensor_shape,versions}.proto.
  const entry = (key: string, value: number[]) => {
    const body = [0x0a, ...text(key), 0x12, value.length, ...value];
    return [0x2a, body.length, ...body];
  };
  const message = (field: number, body: number[]) => [field << 3 | 2, body.length, ...body];
  const float = [0x30, 1];
  const shape = [0x3a, 4, 0x12, 2, 0x08, 2];
  const placeholder = [0x0a, ...text("x0"), 0x12, ...text("Placeholder")];
  const relu = [0x0a, ...text("v1"), 0x12, ...text("Relu"), 0x1a, ...text("x0")];
  assertEquals([...bytes], [
    ...message(1, [...placeholder, ...entry("dtype", float), ...entry("shape", shape)]),
    ...message(1, [...relu, ...entry("T", float)]),
    ...message(4, [0x08, 0xe8, 0x07]),
  ]);
});

Deno.test("encodeGraphDef() refuses an operator that it has no translation for", () => {
  assertThrows(
    () => encodeGraphDef({ nodes: [node("Lstm")], constants: [], inputs: [x0], outputs: [v1] }),
    TypeError,
    'Cannot write the operator "Lstm" for TensorFlow: it has no translation',
  );
});
