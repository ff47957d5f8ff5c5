import { assertEquals, assertThrows } from "@std/assert";
import {
  type BackendValues,
  type Binding,
  createBinding,
  type OpAttribute,
} from "../../../../lib/engine/libtensorflow/eager/binding.ts";
import { TENSORFLOW_LIBRARY } from "../../../testing/engines.ts";

/** Declares a test of a binding, ignored where this machine has no TensorFlow library. */
function testBinding(name: string, body: (binding: Binding) => void): void {
  const fn = () => {
    const binding = createBinding(TENSORFLOW_LIBRARY!, 1);
    try {
      body(binding);
    } finally {
      binding.close();
    }
  };
  Deno.test({ name, ignore: TENSORFLOW_LIBRARY === undefined, fn });
}

const bytes = (text: string) => new TextEncoder().encode(text);
const floats = (binding: Binding, ...values: number[]) =>
  binding.createTensor([values.length], binding.TF_FLOAT, Float32Array.from(values));
const typeOf = (binding: Binding, dtype = binding.TF_FLOAT, name = "T"): OpAttribute => ({
  name,
  type: binding.TF_ATTR_TYPE,
  value: dtype,
});

testBinding("a binding copies elements of every type in and out", (binding) => {
  const cases: readonly (readonly [dtype: number, shape: number[], values: BackendValues])[] = [
    [binding.TF_FLOAT, [2], Float32Array.of(9, 1, NaN, 9).subarray(1, 3)],
    [binding.TF_FLOAT, [], Float32Array.of(-0)],
    [binding.TF_FLOAT, [0, 3], new Float32Array()],
    [binding.TF_INT32, [1, 2], Int32Array.of(-1, 7)],
    [binding.TF_BOOL, [2, 1], Uint8Array.of(1, 0)],
    [binding.TF_UINT8, [2], Uint8Array.of(0, 255)],
    [binding.TF_COMPLEX64, [2], Float32Array.of(1, -2, 3, -4)],
    [binding.TF_INT64, [1], BigInt64Array.of(-5n)],
    [binding.TF_STRING, [], [bytes("ä")]],
    [binding.TF_STRING, [2, 2], [bytes(""), bytes("zero \0 inside"), Uint8Array.of(255, 0), bytes("y".repeat(1000))]],
    [binding.TF_STRING, [2], [bytes("the same"), bytes("the same")]],
    [binding.TF_STRING, [0], []],
  ];
  for (const [dtype, shape, values] of cases) {
    const id = binding.createTensor(shape, dtype, values);
    const read = binding.tensorDataSync(id);
    assertEquals([read.constructor, [...read]], [values.constructor, [...values]], `type ${dtype}, shape [${shape}]`);
    binding.deleteTensor(id);
  }
  assertEquals(binding.getNumOfTensors(), 0);
});

testBinding("what is read is a copy", (binding) => {
  const values = Float32Array.of(1, 2);
  const id = binding.createTensor([2], binding.TF_FLOAT, values);
  values[0] = 9;
  (binding.tensorDataSync(id) as Float32Array)[1] = 9;
  assertEquals([...binding.tensorDataSync(id)], [1, 2]);
});

testBinding("64-bit integers may come as pairs of 32-bit ones, and other numbers in another array", (binding) => {
  const pair = binding.createTensor([], binding.TF_INT64, Int32Array.of(-2, -1));
  assertEquals(binding.tensorDataSync(pair), BigInt64Array.of(-2n));
  const whole = binding.createTensor([2], binding.TF_FLOAT, Int32Array.of(1, 2));
  assertEquals(binding.tensorDataSync(whole), Float32Array.of(1, 2));
});

testBinding("an operator gives the number, shape and type of each output", (binding) => {
  const x = floats(binding, 3, 1, 2);
  const k = binding.createTensor([], binding.TF_INT32, Int32Array.of(2));
  const sorted = { name: "sorted", type: binding.TF_ATTR_BOOL, value: true };
  const [values, indices] = binding.executeOp("TopKV2", [typeOf(binding), sorted], [x, k], 2);
  assertEquals([values!.shape, values!.dtype, [...binding.tensorDataSync(values!.id)]], [[2], binding.TF_FLOAT, [
    3,
    2,
  ]]);
  assertEquals([indices!.dtype, [...binding.tensorDataSync(indices!.id)]], [binding.TF_INT32, [0, 2]]);
  assertEquals(binding.getNumOfTensors(), 4);
});

testBinding("lists go in one after the other", (binding) => {
  const [a, b] = [floats(binding, 1, 2), floats(binding, 10, 20)];
  const count = (n: number) => ({ name: "N", type: binding.TF_ATTR_INT, value: n });
  const [sum] = binding.executeOp("AddN", [count(3), typeOf(binding)], [a, b, a], 1);
  assertEquals([...binding.tensorDataSync(sum!.id)], [12, 24]);
  const axis = binding.createTensor([], binding.TF_INT32, Int32Array.of(0));
  const types = [count(2), typeOf(binding), typeOf(binding, binding.TF_INT32, "Tidx")];
  const [joined] = binding.executeOp("ConcatV2", types, [a, b, axis], 1);
  assertEquals([...binding.tensorDataSync(joined!.id)], [1, 2, 10, 20]);
});

testBinding("attributes of every type reach the operator", (binding) => {
  const image = binding.createTensor([1, 2, 2, 1], binding.TF_FLOAT, Float32Array.of(1, 2, 3, 4));
  const [pooled] = binding.executeOp(
    "MaxPool",
    [
      typeOf(binding),
      { name: "ksize", type: binding.TF_ATTR_INT, value: [1, 2, 1, 1] },
      { name: "strides", type: binding.TF_ATTR_INT, value: [1, 1, 1, 1] },
      { name: "padding", type: binding.TF_ATTR_STRING, value: "VALID" },
    ],
    [image],
    1,
  );
  assertEquals([pooled!.shape, [...binding.tensorDataSync(pooled!.id)]], [[1, 1, 2, 1], [3, 4]]);
  const alpha = { name: "alpha", type: binding.TF_ATTR_FLOAT, value: 0.5 };
  const [leaky] = binding.executeOp("LeakyRelu", [alpha, typeOf(binding)], [floats(binding, -2, 2)], 1);
  assertEquals([...binding.tensorDataSync(leaky!.id)], [-1, 2]);
  const shape = { name: "shape", type: binding.TF_ATTR_SHAPE, value: [3, 5] };
  const resource = binding.executeOp("VarHandleOp", [typeOf(binding, binding.TF_FLOAT, "dtype"), shape], [], 1);
  assertEquals(resource[0]!.dtype, binding.TF_RESOURCE);
  const bounds = { name: "boundaries", type: binding.TF_ATTR_FLOAT, value: [0, 1.5] };
  const [buckets] = binding.executeOp("Bucketize", [typeOf(binding), bounds], [floats(binding, -1, 1, 2)], 1);
  assertEquals([...binding.tensorDataSync(buckets!.id)], [0, 1, 2]);
});

testBinding("what goes wrong is one line in the library's words", (binding) => {
  const [two, three] = [floats(binding, 1, 2), floats(binding, 1, 2, 3)];
  const run = (name: string, inputs: number[], attributes = [typeOf(binding)]) => () =>
    binding.executeOp(name, attributes, inputs, 1);
  assertThrows(run("AddV2", [two, three]), Error, "Cannot run AddV2: Incompatible shapes: [2] vs. [3]");
  const message = (f: () => unknown) => assertThrows(f, Error).message;
  assertEquals(message(run("AddV2", [two, three])), "Cannot run AddV2: Incompatible shapes: [2] vs. [3]");
  assertEquals(message(run("Nonsense", [])).startsWith("Cannot run Nonsense: "), true);
  assertEquals(message(run("Nonsense", [])).includes("\n"), false);
  const shape = { name: "shape", type: binding.TF_ATTR_SHAPE, value: new Array(300).fill(1) };
  assertThrows(run("VarHandleOp", [], [shape]), Error, "Cannot set the attribute shape: ");
  // An error is over once it was told.
  assertEquals([...binding.tensorDataSync(floats(binding, 4))], [4]);
});

testBinding("misuse of tensors is named", (binding) => {
  assertThrows(
    () => binding.createTensor([3], binding.TF_FLOAT, new Float32Array(2)),
    TypeError,
    "Cannot make a tensor of shape [3] of 8 bytes: it has 12",
  );
  assertThrows(
    () => binding.createTensor([3], binding.TF_STRING, []),
    TypeError,
    "Cannot make a tensor of shape [3] of 0 strings",
  );
  assertThrows(() => binding.createTensor([], 99, new Uint8Array(1)), TypeError, "data type 99");
  const id = floats(binding, 1);
  binding.deleteTensor(id);
  const gone = "Cannot use a tensor of the TensorFlow backend after it was disposed of";
  for (
    const use of [
      () => binding.tensorDataSync(id),
      () => binding.deleteTensor(id),
      () => binding.executeOp("Neg", [typeOf(binding)], [id], 1),
    ]
  ) assertThrows(use, ReferenceError, gone);
  const odd = { name: "T", type: 9, value: 1 };
  assertThrows(() => binding.executeOp("Neg", [odd], [floats(binding, 1)], 1), TypeError, "attribute T of type 9");
  assertThrows(() => binding.loadSavedModel(), Error, "Cannot use a SavedModel here: load weights from safetensors");
});

testBinding("a closed binding gave everything back", (binding) => {
  const id = floats(binding, 1);
  binding.close();
  binding.close();
  binding.deleteTensor(id);
  assertEquals(binding.getNumOfTensors(), 0);
  const over = "after the TensorFlow backend was disposed of";
  assertThrows(() => binding.createTensor([], binding.TF_FLOAT, Float32Array.of(1)), ReferenceError, over);
  assertThrows(() => binding.executeOp("NoOp", [], [], 0), ReferenceError, over);
  assertThrows(() => binding.tensorDataSync(id), ReferenceError, "after the backend was disposed of");
});

testBinding("a GPU is used only where the context has one", (binding) => {
  assertEquals(binding.isUsingGpuDevice(), binding.device === "gpu");
  if (binding.device !== "gpu") assertEquals(binding.device, "cpu (1 threads)");
  assertEquals(binding.TF_Version.split(".").length, 3);
});
