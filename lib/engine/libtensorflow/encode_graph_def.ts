import { ProtobufWriter } from "../protobuf.ts";
import type { Attribute, GraphDType, GraphNode, LiveGraph } from "../trace/graph.ts";

/** TF_DataType of each dtype. */
const DATA_TYPE: { readonly [K in GraphDType]: number } = { float32: 1, int32: 3, int64: 9, bool: 10 };
/** Dtypes by their number in ONNX's Cast. */
const CAST: Readonly<Record<number, GraphDType>> = { 1: "float32", 6: "int32", 9: "bool" };
/** Version of the GraphDef language: operators may assume anything after TensorFlow 2.0. */
const PRODUCER = 1000;

/** Operators of one dtype, elementwise, under TensorFlow's names. */
const ELEMENTWISE: Readonly<Record<string, string>> = {
  Add: "AddV2",
  Sub: "Sub",
  Mul: "Mul",
  Div: "RealDiv",
  Max: "Maximum",
  Min: "Minimum",
  Pow: "Pow",
  Sqrt: "Sqrt",
  Exp: "Exp",
  Log: "Log",
  Abs: "Abs",
  Reciprocal: "Reciprocal",
  Sigmoid: "Sigmoid",
  Tanh: "Tanh",
  Sign: "Sign",
  Softplus: "Softplus",
  Erf: "Erf",
  Floor: "Floor",
  Ceil: "Ceil",
  Relu: "Relu",
  ReluGrad: "ReluGrad",
  Clip: "ClipByValue",
  Identity: "Identity",
  Softmax: "Softmax",
};
const COMPARISONS: Readonly<Record<string, string>> = {
  Greater: "Greater",
  GreaterOrEqual: "GreaterEqual",
  Less: "Less",
  LessOrEqual: "LessEqual",
  Equal: "Equal",
};
const LOGICAL: Readonly<Record<string, string>> = { And: "LogicalAnd", Or: "LogicalOr", Not: "LogicalNot" };

type Attributes = Readonly<Record<string, ProtobufWriter>>;
type Translate = (node: GraphNode, graph: GraphDefWriter) => void;

const type = (dtype: GraphDType) => new ProtobufWriter().int(6, DATA_TYPE[dtype]);
const flag = (value: boolean) => new ProtobufWriter().int(5, Number(value));
const int = (value: number) => new ProtobufWriter().int(3, value);
const float = (value: number) => new ProtobufWriter().float(4, value);
const text = (value: string) => new ProtobufWriter().string(2, value);
const ints = (values: readonly number[]) => {
  const list = new ProtobufWriter();
  for (const value of values) list.int(3, value);
  return new ProtobufWriter().message(1, list);
};

/** A GraphDef under construction. */
class GraphDefWriter {
  readonly #graph = new ProtobufWriter();
  readonly #dtypes = new Map<string, GraphDType>();
  readonly #constants = new Map<string, Uint8Array>();
  #made = 0;

  /** Element type of a value. */
  dtypeOf(name: string): GraphDType {
    return this.#dtypes.get(name)!;
  }

  /** Elements of a constant of shape arguments. */
  intsOf(name: string): number[] {
    return Array.from(new BigInt64Array(this.#constants.get(name)!.slice().buffer), Number);
  }

  /** Adds a node whose outputs have one dtype. A node is named after its first output; later ones get an Identity. */
  add(
    op: string,
    [name, ...others]: readonly string[],
    dtype: GraphDType,
    inputs: readonly string[],
    attributes: Attributes,
  ): void {
    const node = new ProtobufWriter().string(1, name!).string(2, op);
    for (const input of inputs) node.string(3, input);
    for (const [key, value] of Object.entries(attributes)) {
      node.message(5, new ProtobufWriter().string(1, key).message(2, value));
    }
    this.#graph.message(1, node);
    this.#dtypes.set(name!, dtype);
    others.forEach((other, index) => {
      this.add("Identity", [other], dtype, [`${name}:${index + 1}`], { T: type(dtype) });
    });
  }

  /** Adds a node that TensorFlow needs and ONNX does not, and returns its name. */
  extra(op: string, dtype: GraphDType, inputs: readonly string[], attributes: Attributes): string {
    const name = `t${this.#made++}`;
    this.add(op, [name], dtype, inputs, attributes);
    return name;
  }

  /** Adds a constant. */
  constant(name: string, dtype: GraphDType, shape: readonly number[], bytes: Uint8Array): void {
    const tensor = new ProtobufWriter().int(1, DATA_TYPE[dtype]).message(2, shapeProto(shape)).bytes(4, bytes);
    this.add("Const", [name], dtype, [], { dtype: type(dtype), value: new ProtobufWriter().message(8, tensor) });
    if (dtype === "int64") this.#constants.set(name, bytes);
  }

  /** A vector of shape arguments. */
  vector(values: readonly number[]): string {
    const name = `t${this.#made++}`;
    this.constant(name, "int64", [values.length], new Uint8Array(BigInt64Array.from(values, BigInt).buffer));
    return name;
  }

  /** int32 shape arguments, as the operators want them that do not take int64: a vector, or a scalar. */
  int32(values: readonly number[] | number): string {
    const name = `t${this.#made++}`;
    const list = typeof values === "number" ? [values] : values;
    const shape = typeof values === "number" ? [] : [list.length];
    this.constant(name, "int32", shape, new Uint8Array(Int32Array.from(list).buffer));
    return name;
  }

  /** The message. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#graph.message(4, new ProtobufWriter().int(1, PRODUCER)).finish();
  }
}

function shapeProto(shape: readonly number[]): ProtobufWriter {
  const writer = new ProtobufWriter();
  for (const length of shape) writer.message(2, new ProtobufWriter().int(1, length));
  return writer;
}

const listOf = (attribute: Attribute | undefined): readonly number[] => attribute as readonly number[];
const isSet = (attribute: Attribute | undefined): boolean => attribute === 1;

/** Most operators: the outputs have the dtype T of the first input. */
function plain(op: string, inputsOf: (node: GraphNode, graph: GraphDefWriter) => readonly string[]): (
  attributesOf?: (node: GraphNode) => Attributes,
) => Translate {
  return (attributesOf = () => ({})) => (node, graph) => {
    const dtype = graph.dtypeOf(node.inputs[0]!);
    graph.add(op, node.outputs, dtype, inputsOf(node, graph), { T: type(dtype), ...attributesOf(node) });
  };
}

const asTheyAre = ({ inputs }: GraphNode) => inputs;
const int64 = type("int64");

const reduceAttribute = (op: string): Translate =>
  plain(op, ({ inputs, attributes }, graph) => [inputs[0]!, graph.vector(listOf(attributes.axes))])(
    ({ attributes }) => ({ Tidx: int64, keep_dims: flag(isSet(attributes.keepdims)) }),
  );

function convolutionAttributes({ attributes }: GraphNode): Attributes {
  const [sh, sw] = listOf(attributes.strides);
  const pads = listOf(attributes.pads);
  const [top, left, bottom, right] = pads;
  const shared = { strides: ints([1, sh!, sw!, 1]), "data_format": text("NHWC") };
  if (isSet(attributes.same)) return { ...shared, padding: text("SAME") };
  if (pads.every((amount) => amount === 0)) return { ...shared, padding: text("VALID") };
  return {
    ...shared,
    padding: text("EXPLICIT"),
    explicit_paddings: ints([0, 0, top!, bottom!, left!, right!, 0, 0]),
  };
}

function poolAttributes(node: GraphNode): Attributes {
  const [height, width] = listOf(node.attributes.ksize);
  return { ...convolutionAttributes(node), ksize: ints([1, height!, width!, 1]) };
}

const batchNormAttributes = ({ epsilon }: GraphNode["attributes"]): Attributes => ({
  T: type("float32"),
  U: type("float32"),
  epsilon: float((epsilon as { readonly float: number }).float),
  "data_format": text("NHWC"),
  "is_training": flag(true),
});

const argReduce = (op: string): Translate => ({ inputs, outputs, attributes }, graph) =>
  graph.add(op, outputs, "int64", [inputs[0]!, graph.int32(attributes.axis as number)], {
    T: type(graph.dtypeOf(inputs[0]!)),
    Tidx: type("int32"),
    output_type: int64,
  });

/** How each operator of the graph is written for TensorFlow, beside those of the tables above. */
const OPERATORS: Readonly<Record<string, Translate>> = {
  Conv2D: plain("Conv2D", asTheyAre)(convolutionAttributes),
  Conv2DBackpropInput: plain(
    "Conv2DBackpropInput",
    ({ inputs: [w, dy], attributes }, graph) => [graph.int32(listOf(attributes.shape)), w!, dy!],
  )(convolutionAttributes),
  Conv2DBackpropFilter: plain(
    "Conv2DBackpropFilter",
    ({ inputs: [x, dy], attributes }, graph) => [x!, graph.int32(listOf(attributes.shape)), dy!],
  )(convolutionAttributes),
  DepthwiseConv2D: plain("DepthwiseConv2dNative", asTheyAre)(convolutionAttributes),
  DepthwiseConv2DBackpropInput: plain(
    "DepthwiseConv2dNativeBackpropInput",
    ({ inputs: [w, dy], attributes }, graph) => [graph.int32(listOf(attributes.shape)), w!, dy!],
  )(convolutionAttributes),
  DepthwiseConv2DBackpropFilter: plain(
    "DepthwiseConv2dNativeBackpropFilter",
    ({ inputs: [x, dy], attributes }, graph) => [x!, graph.int32(listOf(attributes.shape)), dy!],
  )(convolutionAttributes),
  MaxPool: plain("MaxPool", asTheyAre)(poolAttributes),
  MaxPoolGrad: plain("MaxPoolGrad", asTheyAre)(poolAttributes),
  MaxPoolGradGrad: plain("MaxPoolGradGrad", asTheyAre)(poolAttributes),
  BiasAdd: plain("BiasAdd", asTheyAre)(() => ({ "data_format": text("NHWC") })),
  FusedBatchNorm: ({ inputs, outputs, attributes }, graph) => {
    const none = `${outputs[0]}_none`;
    graph.constant(none, "float32", [0], new Uint8Array());
    graph.add("FusedBatchNormV3", outputs, "float32", [...inputs, none, none], batchNormAttributes(attributes));
  },
  FusedBatchNormGrad: ({ inputs, outputs, attributes }, graph) =>
    graph.add("FusedBatchNormGradV3", outputs, "float32", inputs, batchNormAttributes(attributes)),
  Gemm: plain("MatMul", asTheyAre)(({ attributes }) => ({
    transpose_a: flag(isSet(attributes.transA)),
    transpose_b: flag(isSet(attributes.transB)),
  })),
  FusedMatMul: plain("BatchMatMulV2", asTheyAre)(({ attributes }) => ({
    adj_x: flag(isSet(attributes.transA)),
    adj_y: flag(isSet(attributes.transB)),
  })),
  Reshape: plain("Reshape", asTheyAre)(() => ({ Tshape: int64 })),
  Transpose: plain(
    "Transpose",
    ({ inputs, attributes }, graph) => [inputs[0]!, graph.vector(listOf(attributes.perm))],
  )(() => ({ Tperm: int64 })),
  Expand: plain("BroadcastTo", asTheyAre)(() => ({ Tidx: int64 })),
  Tile: plain("Tile", asTheyAre)(() => ({ Tmultiples: int64 })),
  Slice: plain("Slice", ({ inputs: [x, begin, end] }, graph) => {
    const from = graph.intsOf(begin!);
    return [x!, begin!, graph.vector(graph.intsOf(end!).map((stop, axis) => stop - from[axis]!))];
  })(() => ({ Index: int64 })),
  Pad: ({ inputs: [x, amounts, value], outputs }, graph) => {
    const flat = graph.intsOf(amounts!);
    const rank = flat.length / 2;
    const pairs = Array.from({ length: rank }, (_, axis) => [flat[axis]!, flat[axis + rank]!]).flat();
    const bytes = new Uint8Array(BigInt64Array.from(pairs, BigInt).buffer);
    const paddings = `${outputs[0]}_paddings`;
    graph.constant(paddings, "int64", [rank, 2], bytes);
    const dtype = graph.dtypeOf(x!);
    graph.add("PadV2", outputs, dtype, [x!, paddings, value!], { T: type(dtype), Tpaddings: int64 });
  },
  Concat: plain(
    "ConcatV2",
    ({ inputs, attributes }, graph) => [...inputs, graph.int32(attributes.axis as number)],
  )(({ inputs }) => ({ N: int(inputs.length), Tidx: type("int32") })),
  Sum: plain("AddN", asTheyAre)(({ inputs }) => ({ N: int(inputs.length) })),
  Split: plain(
    "SplitV",
    ({ inputs, attributes }, graph) => [...inputs, graph.int32(attributes.axis as number)],
  )(({ outputs }) => ({ num_split: int(outputs.length), Tlen: int64 })),
  Gather: ({ inputs: [x, indices], outputs, attributes }, graph) => {
    const dtype = graph.dtypeOf(x!);
    graph.add("GatherV2", outputs, dtype, [x!, indices!, graph.int32(attributes.axis as number)], {
      Tparams: type(dtype),
      Tindices: type(graph.dtypeOf(indices!)),
      Taxis: type("int32"),
      batch_dims: int(0),
    });
  },
  Where: ({ inputs, outputs }, graph) => {
    const dtype = graph.dtypeOf(inputs[1]!);
    graph.add("SelectV2", outputs, dtype, inputs, { T: type(dtype) });
  },
  // The older select, which takes one condition for each row.
  WhereRows: ({ inputs, outputs }, graph) => {
    const dtype = graph.dtypeOf(inputs[1]!);
    graph.add("Select", outputs, dtype, inputs, { T: type(dtype) });
  },
  Cast: ({ inputs: [x], outputs, attributes }, graph) => {
    const to = CAST[attributes.to as number]!;
    graph.add("Cast", outputs, to, [x!], { SrcT: type(graph.dtypeOf(x!)), DstT: type(to), Truncate: flag(false) });
  },
  // The step function: kernels write it as a hard sigmoid of huge slope.
  HardSigmoid: ({ inputs: [x], outputs }, graph) => {
    const zero = `${outputs[0]}_zero`;
    graph.constant(zero, "float32", [], new Uint8Array(4));
    const above = graph.extra("Greater", "bool", [x!, zero], { T: type("float32") });
    graph.add("Cast", outputs, "float32", [above], {
      SrcT: type("bool"),
      DstT: type("float32"),
      Truncate: flag(false),
    });
  },
  ReduceSum: plain("Sum", asTheyAre)(({ attributes }) => ({
    Tidx: int64,
    keep_dims: flag(isSet(attributes.keepdims)),
  })),
  ReduceMax: reduceAttribute("Max"),
  ReduceMin: reduceAttribute("Min"),
  ArgMax: argReduce("ArgMax"),
  ArgMin: argReduce("ArgMin"),
};

/**
 * Writes a graph as a TensorFlow GraphDef: inputs are Placeholders, and every value's node has the value's name.
 *
 * @param graph What the outputs need.
 * @returns A GraphDef.
 * @throws {TypeError} If an operator of the graph has no like here.
 */
export function encodeGraphDef({ nodes, constants, inputs }: LiveGraph): Uint8Array<ArrayBuffer> {
  const graph = new GraphDefWriter();
  for (const { name, dtype, shape } of inputs) {
    const attributes = { dtype: type(dtype), shape: new ProtobufWriter().message(7, shapeProto(shape)) };
    graph.add("Placeholder", [name], dtype, [], attributes);
  }
  for (const { name, dtype, shape, bytes } of constants) graph.constant(name, dtype, shape, bytes);
  for (const node of nodes) translate(node, graph);
  return graph.finish();
}

function translate(node: GraphNode, graph: GraphDefWriter): void {
  const { op, inputs, outputs } = node;
  if (op in OPERATORS) return OPERATORS[op]!(node, graph);
  const dtype = graph.dtypeOf(inputs[0]!);
  if (op in ELEMENTWISE) graph.add(ELEMENTWISE[op]!, outputs, dtype, inputs, { T: type(dtype) });
  else if (op in COMPARISONS) graph.add(COMPARISONS[op]!, outputs, "bool", inputs, { T: type(dtype) });
  else if (op in LOGICAL) graph.add(LOGICAL[op]!, outputs, "bool", inputs, {});
  else throw new TypeError(`Cannot write the operator "${op}" for TensorFlow: it has no translation`);
}
