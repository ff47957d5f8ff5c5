import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Graph } from "../../../lib/engine/onnxruntime/graph.ts";

const f32 = (name: string, shape: number[]) => ({ name, dtype: "float32", shape }) as const;

function graphWithInput(): Graph {
  const graph = new Graph(0);
  graph.input(f32("x", [2, 3]));
  return graph;
}

Deno.test("Graph makes the same operator on the same inputs once", () => {
  const graph = graphWithInput();
  assertEquals(graph.node("Relu", ["x"]), graph.node("Relu", ["x"]));
  assertNotEquals(graph.node("Relu", ["x"]), graph.node("Relu", ["x"], { axis: 1 }));
  assertEquals(graph.scalar(2), graph.scalar(2));
  assertNotEquals(graph.scalar(2), graph.scalar(2, "int32"));
});

Deno.test("Graph drops what the outputs do not need, inputs too", () => {
  const graph = graphWithInput();
  graph.input(f32("unused", [1]));
  const used = graph.node("Relu", ["x"]);
  graph.node("Gemm", ["x", "unused"], {}, { flops: 100 });
  const encoded = graph.encode([f32(used, [2, 3])]);
  assertEquals(encoded.nodes, 1);
  assertEquals(encoded.flops, 0);
  assertEquals([...encoded.liveInputs], ["x"]);
});

Deno.test("Graph joins reshapes, and cancels a transpose with its inverse", () => {
  const graph = graphWithInput();
  const once = graph.reshape(graph.reshape("x", [6]), [3, 2]);
  assertEquals(graph.encode([f32(once, [3, 2])]).nodes, 1);
  const perm = [2, 0, 1];
  const inverse = [1, 2, 0];
  assertEquals(graph.transpose(graph.transpose("x", perm), inverse), "x");
  assertEquals(graph.transpose("x", [0, 1, 2]), "x");
});

Deno.test("Graph.scaled() scales the small side of a product", () => {
  const graph = new Graph(0);
  graph.remember("big", 1600);
  graph.remember("small", 10);
  const product = graph.node("Mul", ["big", "small"]);
  graph.remember(product, 1600);
  const scaled = graph.scaled(product, 3);
  // The product of big and the scaled small one: the first product is dead.
  const text = new TextDecoder().decode(graph.encode([f32(scaled, [1600])]).bytes);
  assertEquals(text.match(/Mul_\d/g), ["Mul_0", "Mul_1"]);
  assert(!text.includes(product), "the unscaled product must not be computed");
});
