import type { DType } from "../../core/mod.ts";
import type { ConvolutionWriter } from "./convolutions.ts";
import type { MaxPoolWriter } from "./max_pool.ts";

/** Element types of graph values: those of tensors, and int64 for the shapes that operators take as inputs. */
export type GraphDType = DType | "int64";

/** An operator's attribute: an integer, a list of integers, or a float. */
export type Attribute = number | readonly number[] | { readonly float: number };

/** A named value of the graph with its type. */
export interface GraphValue {
  readonly name: string;
  readonly dtype: GraphDType;
  readonly shape: readonly number[];
}

/** An operator of the graph. */
export interface GraphNode {
  readonly op: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly flops: number;
}

/** A constant of the graph. */
export interface GraphConstant extends GraphValue {
  /** Its elements, little-endian. */
  readonly bytes: Uint8Array;
}

/** What the outputs of a graph need of it, in the order of execution. */
export interface LiveGraph {
  readonly nodes: readonly GraphNode[];
  readonly constants: readonly GraphConstant[];
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
}

/** The engine that a graph is traced for, where it matters to how kernels are written. */
export interface Target {
  /** Name of the engine. */
  readonly engine: "onnxruntime" | "tensorflow";
  /** How convolutions are written. */
  readonly convolutions: ConvolutionWriter;
  /** How max-pooling is written. @default {of elementary operators} */
  readonly maxPool?: MaxPoolWriter;
  /** Channels per block of ONNX Runtime's channel-blocked convolutions; 0 where they are not to be used. */
  readonly blockSize: number;
}

/** Operators of ONNX Runtime itself. */
export const MICROSOFT = "com.microsoft";
/** ONNX Runtime's internal operators on channel-blocked images. */
export const NCHWC = "com.microsoft.nchwc";

/**
 * A graph under construction; the same operator on the same inputs is made once. Operators are those of ONNX; an engine
 * that speaks another language translates them (and adds its own where ONNX has no like: see `libtensorflow/`).
 */
export class Graph {
  readonly #nodes: GraphNode[] = [];
  readonly #constants: GraphConstant[] = [];
  readonly #inputs: GraphValue[] = [];
  readonly #made = new Map<string, readonly string[]>();
  readonly #producer = new Map<string, GraphNode>();
  readonly #sizes = new Map<string, number>();
  #count = 0;

  /** @param target The engine that the graph is for. */
  constructor(readonly target: Target) {}

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
    this.#constants.push({ name, dtype, shape, bytes });
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
    if (producer?.op === "Reshape" && this.#producer.get(producer.inputs[0]!)?.op === "Mul") {
      const scaled = this.node("Reshape", [this.scaled(producer.inputs[0]!, factor), producer.inputs[1]!]);
      this.#sizes.set(scaled, size);
      return scaled;
    }
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

  /** The operator that makes a value; undefined for inputs and constants. */
  producerOf(name: string): GraphNode | undefined {
    return this.#producer.get(name);
  }

  /** Drops what the outputs do not need. */
  live(outputs: readonly GraphValue[]): LiveGraph {
    const live = new Set(outputs.map(({ name }) => name));
    const nodes: GraphNode[] = [];
    for (const node of this.#nodes.toReversed()) {
      if (!node.outputs.some((name) => live.has(name))) continue;
      nodes.push(node);
      for (const name of node.inputs) live.add(name);
    }
    const needed = ({ name }: GraphValue) => live.has(name);
    const constants = this.#constants.filter(needed);
    return { nodes: nodes.reverse(), constants, inputs: this.#inputs.filter(needed), outputs };
  }

  #name(prefix: string): string {
    return `${prefix}${this.#count++}`;
  }
}
