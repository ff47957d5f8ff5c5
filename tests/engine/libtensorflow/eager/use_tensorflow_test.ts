import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { float32, UsageError } from "../../../../lib/core/mod.ts";
import { createEngine, mul, takeTree, type Tensor, useTensorflow } from "../../../../lib/engine/mod.ts";
import { KERNELS_PACKAGE } from "../../../../lib/engine/libtensorflow/eager/_load_kernels.ts";
import { tf } from "../../../../lib/engine/tensorflow.ts";
import { testOnEager } from "../../../testing/eager.ts";
import { TENSORFLOW_LIBRARY } from "../../../testing/engines.ts";

const ignore = TENSORFLOW_LIBRARY === undefined;
const library = TENSORFLOW_LIBRARY!;

testOnEager("TensorFlow.js runs on the library, and says where", (backend) => {
  assertEquals([backend.name, tf.getBackend()], ["tensorflow", "tensorflow"]);
  assertStrictEquals(backend.tf, tf);
  assertEquals(backend.isUsingGpuDevice, backend.device === "gpu");
  assert(/^libtensorflow \d+\.\d+\.\d+$/.test(backend.version), backend.version);
  tf.tidy(() => {
    const product = tf.matMul(tf.tensor([[1, 2]]), tf.tensor([[3], [4]]));
    assert(backend.memory().tensors >= 1, "the library holds the product");
    assertEquals(product.dataSync(), Float32Array.of(11));
  });
});

testOnEager("two thousand operators leave no tensor behind", (backend) => {
  const x = tf.tensor([1, 2, 3]);
  tf.add(x, 1).dispose();
  const before = backend.memory().tensors;
  for (let i = 0; i < 500; i++) {
    tf.tidy(() => tf.softmax(tf.concat([tf.add(x, i), tf.relu(tf.sub(x, 2)).reshape([3])], 0)).dataSync());
  }
  assertEquals(backend.memory().tensors, before);
  const words = tf.tensor(["a word that is longer than twenty-two bytes"]);
  const again = tf.tidy(() => tf.reshape(words, [1, 1]));
  words.dispose();
  // Strings are shared between tensors, and freed with the last of them.
  assertEquals(again.dataSync<"string">() as unknown, ["a word that is longer than twenty-two bytes"]);
  tf.dispose([again, x]);
});

testOnEager("a notebook that shows the backend does not print TensorFlow.js", (backend) => {
  const shown = Deno.inspect(backend, { colors: false });
  assert(shown.includes("tf: [Getter]") && shown.length < 300, shown);
});

testOnEager("wrong shapes are told in the library's words", () => {
  tf.tidy(() => {
    const x = tf.ones([3]);
    assertThrows(
      () => tf.engine().runKernel("Reshape", { x }, { shape: [2] }),
      Error,
      "Cannot run Reshape: Input to reshape is a tensor with 3 values, but the requested shape has 2",
    );
  });
});

Deno.test({
  name: "the backend is one, and gone with its tensors once it is disposed of",
  ignore,
  fn: async () => {
    assertEquals(tf.getBackend(), "cpu");
    const [first, second] = await Promise.all([useTensorflow({ library }), useTensorflow({ library })]);
    assertStrictEquals(first, second);
    await assertRejects(
      () => useTensorflow({ library: "/elsewhere/libtensorflow_cc.so.2" }),
      UsageError,
      `Cannot use the TensorFlow library /elsewhere/libtensorflow_cc.so.2 while ${library} is in use: dispose of its`,
    );
    tf.setBackend("cpu");
    assertStrictEquals(await useTensorflow({ library }), first);
    assertEquals(tf.getBackend(), "tensorflow");
    const x = tf.tidy(() => tf.add(tf.scalar(1), 1));
    assertEquals(first.memory(), { tensors: 1 });
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    assertEquals([tf.getBackend(), first.memory().tensors], ["cpu", 0]);
    assertEquals([...tf.scalar(2).dataSync()], [2]);
    assertThrows(() => x.dataSync(), ReferenceError, "after the backend was disposed of");
    x.dispose();
    using third = await useTensorflow({ library });
    assert(third !== first);
    assertEquals([...tf.tidy(() => tf.add(tf.scalar(1), 2).dataSync())], [3]);
  },
});

testOnEager("the reference engine and the eager backend do not disturb each other", async (backend) => {
  await using engine = await createEngine("reference");
  const double = engine.compile(({ x }: { x: Tensor }) => mul(x, 2));
  const y = await takeTree(engine, await double({ x: float32([1], [3]) }));
  assertEquals([y.data[0], tf.getBackend(), backend.memory().tensors], [6, "tensorflow", 0]);
});

Deno.test("a library that is missing or no library is a wrong usage", async () => {
  const variable = "TENSORFLOW_LIBRARY";
  const before = Deno.env.get(variable);
  Deno.env.set(variable, "/missing/libtensorflow_cc.so.2");
  try {
    await assertRejects(
      () => useTensorflow(),
      UsageError,
      "Cannot use TensorFlow as its library was not found: run `deno task setup`, or set TENSORFLOW_LIBRARY to the path " +
        "of libtensorflow_cc (looked at TENSORFLOW_LIBRARY=/missing/libtensorflow_cc.so.2)",
    );
  } finally {
    if (before === undefined) Deno.env.delete(variable);
    else Deno.env.set(variable, before);
  }
  const notOne = new URL(import.meta.url).pathname;
  await assertRejects(
    () => useTensorflow({ library: notOne }),
    UsageError,
    `Cannot use the TensorFlow library ${notOne}: `,
  );
  assertEquals(tf.getBackend(), "cpu");
});

Deno.test("the backend of TensorFlow.js's own addon is left alone", async () => {
  const theirs = tf.findBackend("cpu");
  tf.registerBackend("tensorflow", () => theirs);
  try {
    const expected = 'Cannot use TensorFlow as TensorFlow.js has another backend "tensorflow": do not import its';
    await assertRejects(() => useTensorflow({ library: "anywhere" }), UsageError, expected);
    assertEquals(tf.getBackend(), "cpu");
  } finally {
    tf.removeBackend("tensorflow");
  }
});

Deno.test("the package with the kernels is the one that deno.json names, and nobody loads it unasked", async () => {
  const root = new URL("../../../../", import.meta.url);
  const { imports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  assertEquals(imports["@tensorflow/tfjs-node-gpu"], KERNELS_PACKAGE);
  const loader = await Deno.readTextFile(new URL("lib/engine/libtensorflow/eager/_load_kernels.ts", root));
  assertStringIncludes(loader, `import(\`${KERNELS_PACKAGE}/dist/`);
  const args = ["info", "--json", new URL("mod.ts", root).href];
  const { stdout } = await new Deno.Command(Deno.execPath(), { args, stderr: "null" }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
    modules: { specifier: string; dependencies?: { specifier: string }[] }[];
  };
  const wanted = modules.flatMap(({ dependencies = [] }) => dependencies.map(({ specifier }) => specifier));
  assert(wanted.includes("@tensorflow/tfjs"), "the search finds packages");
  assertEquals(wanted.filter((specifier) => specifier.includes("tfjs-node")), []);
});
