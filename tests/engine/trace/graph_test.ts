import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Graph, type Target } from "../../../lib/engine/trace/graph.ts";

const f32 = (name: string, shape: number[]) => ({ name, dtype: "float32", shape }) as const;

const unused = () => {
  throw new Error("the graph writes no convolution by itself");
};
const TARGET: Target = {
  engine: "onnxruntime",
  convolutions: { forward: unused, inputGradient: unused, filterGradient: unused },
  blockSize: 0,
};

function graphWithInput(): Graph {
  const graph = new Graph(TARGET);
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
  graph.scalar(5);
  const live = graph.live([f32(used, [2, 3])]);
  assertEquals(live.nodes.map(({ op }) => op), ["Relu"]);
  assertEquals(live.inputs.map(({ name }) => name), ["x"]);
  assertEquals(live.constants, []);
});

Deno.test("Graph joins reshapes, and cancels a transpose with its inverse", () => {
  const graph = graphWithInput();
  const once = graph.reshape(graph.reshape("x", [6]), [3, 2]);
  assertEquals(graph.live([f32(once, [3, 2])]).nodes.length, 1);
  const perm = [2, 0, 1];
  const inverse = [1, 2, 0];
  assertEquals(graph.transpose(graph.transpose("x", perm), inverse), "x");
  assertEquals(graph.transpose("x", [0, 1, 2]), "x");
});

Deno.test("Graph.scaled() scales the small side of a product", () => {
  const graph = new Graph(TARGET);
  graph.remember("big", 1600);
  graph.remember("small", 10);
  const product = graph.node("Mul", ["big", "small"]);
  graph.remember(product, 1600);
  const scaled = graph.scaled(product, 3);
  // The product of big and the scaled small one: the first product is dead.
  const { nodes } = graph.live([f32(scaled, [1600])]);
  assertEquals(nodes.map(({ op }) => op), ["Mul", "Mul"]);
  assert(!nodes.some(({ outputs }) => outputs.includes(product)), "the unscaled product must not be computed");
});
