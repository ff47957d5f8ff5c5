import type { GraphNode, LiveGraph } from "../trace/graph.ts";

/** An operator in others, of which the last makes the output; `name` makes a name from a number. */
type Rewrite = (node: GraphNode, name: (part: number) => string) => GraphNode[];

/** Operators that the provider has no kernel for: it would fetch their operands to the processor and wait. */
const REWRITES: Readonly<Record<string, Rewrite>> = {
  Sum: ({ inputs: [first, ...rest], outputs }, name) =>
    rest.map((input, i) =>
      node("Add", [i === 0 ? first! : name(i - 1), input], i === rest.length - 1 ? outputs[0]! : name(i))
    ),
  // 1 above 0 less 1 below 0, by hard sigmoids of huge slopes.
  Sign: ({ inputs, outputs }, name) => [
    node("HardSigmoid", inputs, name(0), { alpha: { float: 3e38 }, beta: { float: 0 } }),
    node("HardSigmoid", inputs, name(1), { alpha: { float: -3e38 }, beta: { float: 0 } }),
    node("Sub", [name(0), name(1)], outputs[0]!),
  ],
};

/**
 * Writes a graph in the operators that ONNX Runtime's WebGPU provider runs on the GPU.
 *
 * @param graph Any graph.
 * @returns The same function. What is left to the processor: FusedMatMul and Or.
 */
export function webgpuGraph(graph: LiveGraph): LiveGraph {
  const nodes = graph.nodes.flatMap((node) =>
    Object.hasOwn(REWRITES, node.op) ? REWRITES[node.op]!(node, (part) => `${node.outputs[0]}_${part}`) : [node]
  );
  return { ...graph, nodes };
}

function node(
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: GraphNode["attributes"] = {},
): GraphNode {
  return { op, domain: "", inputs, outputs: [output], attributes, flops: 0 };
}
