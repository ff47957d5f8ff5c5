import type { DType } from "../../core/mod.ts";
import { ProtobufWriter } from "./protobuf.ts";

/** Element types of graph values: those of tensors, and int64 for the shapes that ONNX operators take as inputs. */
export type GraphDType = DType | "int64";

/** An operator's attribute: an integer, a list of integers, or a float. */
export type Attribute = number | readonly number[] | { readonly float: number };

/** A named value of the graph with its type. */
export interface GraphValue {
  readonly name: string;
  readonly dtype: GraphDType;
  readonly shape: readonly number[];
}

interface GraphNode {
  readonly op: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly flops: number;
}

interface Initializer extends GraphValue {
  readonly bytes: Uint8Array;
}

/** What {@linkcode Graph.encode} makes. */
export interface EncodedGraph {
  /** An ONNX ModelProto. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Names of the inputs that the outputs depend on. */
  readonly liveInputs: ReadonlySet<string>;
  /** Number of nodes. */
  readonly nodes: number;
  /** Floating-point operations of convolutions and matrix products. */
  readonly flops: number;
}

/** Operators of ONNX Runtime itself. */
export const MICROSOFT = "com.microsoft";
/** ONNX Runtime's internal operators on channel-blocked images. */
export const NCHWC = "com.microsoft.nchwc";

const ONNX_DTYPE: { readonly [K in GraphDType]: number } = { float32: 1, int32: 6, int64: 7, bool: 9 };
const OPSET = 17;

/** An ONNX graph under construction; the same operator on the same inputs is made once. */
export class Graph {
  readonly #nodes: GraphNode[] = [];
  readonly #initializers: Initializer[] = [];
  readonly #inputs: GraphValue[] = [];
  readonly #made = new Map<string, readonly string[]>();
  readonly #producer = new Map<string, GraphNode>();
  readonly #sizes = new Map<string, number>();
  #count = 0;

  /** @param blockSize Channels per block of the channel-blocked convolutions; 0 where they are not to be used. */
  constructor(readonly blockSize: number) {}

  /** Declares an input. */
  input(value: GraphValue): string {
    this.#inputs.push(value);
    return value.name;
  }

  /** Adds an operator with several outputs and returns their names. */
  nodes(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
    outputCount: number,
    { domain = "", flops = 0 }: { domain?: string; flops?: number } = {},
  ): readonly string[] {
    const key = `${domain}:${op}|${inputs.join()}|${JSON.stringify(attributes)}|${outputCount}`;
    const existing = this.#made.get(key);
    if (existing) return existing;
    const outputs = Array.from({ length: outputCount }, () => this.#name("v"));
    const node = { op, domain, inputs, outputs, attributes, flops };
    this.#nodes.push(node);
    for (const output of outputs) this.#producer.set(output, node);
    this.#made.set(key, outputs);
    return outputs;
  }

  /** Adds an operator with one output and returns its name. */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    options: { domain?: string; flops?: number } = {},
  ): string {
    return this.nodes(op, inputs, attributes, 1, options)[0]!;
  }

  /** A node that is never shared: gives an output a name of its own. */
  identity(input: string): string {
    const output = this.#name("o");
    this.#nodes.push({ op: "Identity", domain: "", inputs: [input], outputs: [output], attributes: {}, flops: 0 });
    return output;
  }

  /** A constant. */
  constant(dtype: GraphDType, shape: readonly number[], data: ArrayBufferView): string {
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength).slice();
    const key = bytes.length <= 256 ? `constant|${dtype}|${shape}|${bytes}` : undefined;
    const existing = key === undefined ? undefined : this.#made.get(key);
    if (existing) return existing[0]!;
    const name = this.#name("c");
    this.#initializers.push({ name, dtype, shape, bytes });
    if (key !== undefined) this.#made.set(key, [name]);
    return name;
  }

  /** A scalar constant. */
  scalar(value: number, dtype: DType = "float32"): string {
    return this.filled(value, [], dtype);
  }

  /** A constant of one element whose axes all have length 1. */
  filled(value: number, shape: readonly number[], dtype: DType): string {
    const data = dtype === "float32"
      ? Float32Array.of(value)
      : dtype === "int32"
      ? Int32Array.of(value)
      : Uint8Array.of(value);
    return this.constant(dtype, shape, data);
  }

  /** A vector of shape arguments. */
  shape(values: readonly number[]): string {
    return this.constant("int64", [values.length], BigInt64Array.from(values, BigInt));
  }

  /** Reshape; a reshape of a reshape is one. */
  reshape(x: string, shape: readonly number[]): string {
    const producer = this.#producer.get(x);
    const source = producer?.op === "Reshape" ? producer.inputs[0]! : x;
    return this.node("Reshape", [source, this.shape(shape)]);
  }

  /** Transpose; a transpose and its inverse cancel. */
  transpose(x: string, perm: readonly number[]): string {
    if (perm.every((axis, index) => axis === index)) return x;
    const producer = this.#producer.get(x);
    if (producer?.op === "Transpose") {
      const first = producer.attributes.perm as readonly number[];
      return this.transpose(producer.inputs[0]!, perm.map((axis) => first[axis]!));
    }
    return this.node("Transpose", [x], { perm });
  }

  /** Remembers how many elements a value has, for {@linkcode scaled}. */
  remember(name: string, size: number): void {
    this.#sizes.set(name, size);
  }

  /**
   * x * factor. Where x is the product of a small and a large value, the small one is scaled instead, which saves a pass
   * over memory.
   */
  scaled(x: string, factor: number): string {
    if (factor === 1) return x;
    const producer = this.#producer.get(x);
    const size = this.#sizes.get(x) ?? 0;
    if (producer?.op === "Mul") {
      const small = producer.inputs.findIndex((name) => (this.#sizes.get(name) ?? Infinity) * 16 <= size);
      if (small >= 0) {
        const inputs = [...producer.inputs];
        inputs[small] = this.node("Mul", [inputs[small]!, this.scalar(factor)]);
        this.#sizes.set(inputs[small]!, this.#sizes.get(producer.inputs[small]!)!);
        const product = this.node("Mul", inputs);
        this.#sizes.set(product, size);
        return product;
      }
    }
    return this.node("Mul", [x, this.scalar(factor)]);
  }

  /** Drops what the outputs do not need and encodes the rest. */
  encode(outputs: readonly GraphValue[]): EncodedGraph {
    const live = new Set(outputs.map(({ name }) => name));
    const nodes: GraphNode[] = [];
    for (const node of this.#nodes.toReversed()) {
      if (!node.outputs.some((name) => live.has(name))) continue;
      nodes.push(node);
      for (const name of node.inputs) live.add(name);
    }
    nodes.reverse();
    const inputs = this.#inputs.filter(({ name }) => live.has(name));
    const graph = new ProtobufWriter();
    nodes.forEach((node, index) => graph.message(1, encodeNode(node, `${node.op}_${index}`)));
    graph.string(2, "kdiga");
    for (const constant of this.#initializers) {
      if (live.has(constant.name)) graph.message(5, encodeInitializer(constant));
    }
    for (const value of inputs) graph.message(11, encodeValue(value));
    for (const value of outputs) graph.message(12, encodeValue(value));
    const opset = (domain: string, version: number) => new ProtobufWriter().string(1, domain).int(2, version);
    const model = new ProtobufWriter().int(1, 9).string(2, "kdiga").message(7, graph)
      .message(8, opset("", OPSET)).message(8, opset(MICROSOFT, 1)).message(8, opset(NCHWC, 1));
    return {
      bytes: model.finish(),
      liveInputs: new Set(inputs.map(({ name }) => name)),
      nodes: nodes.length,
      flops: nodes.reduce((total, node) => total + node.flops, 0),
    };
  }

  #name(prefix: string): string {
    return `${prefix}${this.#count++}`;
  }
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

function encodeInitializer({ name, dtype, shape, bytes }: Initializer): ProtobufWriter {
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
