import { ProtobufWriter } from "../protobuf.ts";
import {
  type Attribute,
  type GraphConstant,
  type GraphDType,
  type GraphNode,
  type GraphValue,
  type LiveGraph,
  MICROSOFT,
  NCHWC,
} from "../trace/graph.ts";

export const ONNX_DTYPE: { readonly [K in GraphDType]: number } = { float32: 1, int32: 6, int64: 7, bool: 9 };
const OPSET = 17;

/**
 * Writes a graph as an ONNX model.
 *
 * @param graph What the outputs need.
 * @returns A ModelProto.
 */
export function encodeOnnx({ nodes, constants, inputs, outputs }: LiveGraph): Uint8Array<ArrayBuffer> {
  const graph = new ProtobufWriter();
  nodes.forEach((node, index) => graph.message(1, encodeNode(node, `${node.op}_${index}`)));
  graph.string(2, "kdiga");
  for (const constant of constants) graph.message(5, encodeConstant(constant));
  for (const value of inputs) graph.message(11, encodeValue(value));
  for (const value of outputs) graph.message(12, encodeValue(value));
  const opset = (domain: string, version: number) => new ProtobufWriter().string(1, domain).int(2, version);
  return new ProtobufWriter().int(1, 9).string(2, "kdiga").message(7, graph)
    .message(8, opset("", OPSET)).message(8, opset(MICROSOFT, 1)).message(8, opset(NCHWC, 1)).finish();
}

function encodeNode(node: GraphNode, name: string): ProtobufWriter {
  const writer = new ProtobufWriter();
  for (const input of node.inputs) writer.string(1, input);
  for (const output of node.outputs) writer.string(2, output);
  writer.string(3, name).string(4, node.op);
  for (const [key, value] of Object.entries(node.attributes)) writer.message(5, encodeAttribute(key, value));
  return node.domain ? writer.string(7, node.domain) : writer;
}

function encodeAttribute(name: string, value: Attribute): ProtobufWriter {
  const writer = new ProtobufWriter().string(1, name);
  if (typeof value === "number") return writer.int(3, value).int(20, 2);
  if ("float" in value) return writer.float(2, value.float).int(20, 1);
  for (const element of value) writer.int(8, element);
  return writer.int(20, 7);
}

function encodeConstant({ name, dtype, shape, bytes }: GraphConstant): ProtobufWriter {
  const writer = new ProtobufWriter();
  for (const length of shape) writer.int(1, length);
  return writer.int(2, ONNX_DTYPE[dtype]).string(8, name).bytes(9, bytes);
}

function encodeValue({ name, dtype, shape }: GraphValue): ProtobufWriter {
  const dims = new ProtobufWriter();
  for (const length of shape) dims.message(1, new ProtobufWriter().int(1, length));
  const type = new ProtobufWriter().message(1, new ProtobufWriter().int(1, ONNX_DTYPE[dtype]).message(2, dims));
  return new ProtobufWriter().string(1, name).message(2, type);
}
