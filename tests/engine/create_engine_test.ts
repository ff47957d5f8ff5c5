import { assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { createEngine, type DeviceChoice, ENGINE_CHOICES, type EngineChoice } from "../../lib/engine/mod.ts";
import { createLibtensorflowEngine } from "../../lib/engine/libtensorflow/create_libtensorflow_engine.ts";
import { HAS_WEBGPU, lockWebgpu, TENSORFLOW_LIBRARY } from "../testing/engines.ts";

const nowhere = () => ({ path: undefined, looked: ["/a/libtensorflow_cc.so.2", "/b/lib/python3*"] });

for (const choice of ENGINE_CHOICES) {
  const ignore = choice === "tensorflow" && TENSORFLOW_LIBRARY === undefined;
  Deno.test({
    name: `createEngine() makes the engine "${choice}"`,
    ignore,
    fn: async () => {
      await using engine = await createEngine(choice);
      const fastest = TENSORFLOW_LIBRARY === undefined ? "onnxruntime" : "tensorflow";
      assertEquals(engine.name, choice === "auto" ? fastest : choice);
      assertEquals(engine.note !== undefined, choice === "auto");
    },
  });
}

Deno.test("createEngine() falls back where no TensorFlow library is found, and says so", async () => {
  await using engine = await createEngine("auto", { search: nowhere });
  assertEquals(engine.name, "onnxruntime");
  assertEquals(engine.note, "the TensorFlow library is not used: it was not found");
  const named = () => ({ path: undefined, looked: ["TENSORFLOW_LIBRARY=/no/such.so"] });
  await using other = await createEngine("auto", { search: named });
  assertEquals(other.note, "the TensorFlow library is not used: there is no file TENSORFLOW_LIBRARY=/no/such.so");
});

Deno.test("createEngine() falls back where the TensorFlow library does not load, and says so", async () => {
  const path = await Deno.makeTempFile({ prefix: "kdiga-", suffix: ".so" });
  try {
    await using engine = await createEngine("auto", { search: () => ({ path, looked: [path] }) });
    assertEquals(engine.name, "onnxruntime");
    assertEquals(engine.note!.startsWith(`the TensorFlow library is not used (${path}): `), true);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("createEngine() says what to do where the TensorFlow library is asked for and missing", async () => {
  await assertRejects(
    () => createEngine("tensorflow", { search: nowhere }),
    UsageError,
    'Cannot use the engine "tensorflow" as its library was not found: run `deno task setup`, or set ' +
      "TENSORFLOW_LIBRARY to the path of libtensorflow_cc (looked at /a/libtensorflow_cc.so.2, /b/lib/python3*)",
  );
});

Deno.test("createEngine() says what is wrong where the TensorFlow library does not load", async () => {
  const path = await Deno.makeTempFile({ prefix: "kdiga-", suffix: ".so" });
  try {
    await assertRejects(
      () => createEngine("tensorflow", { search: () => ({ path, looked: [path] }) }),
      UsageError,
      `Cannot use the engine "tensorflow" with ${path}: `,
    );
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("createEngine() lists the engines where the name is unknown", async () => {
  await assertRejects(
    () => createEngine("torch" as "auto"),
    UsageError,
    'Cannot use the engine "torch": use one of auto, tensorflow, onnxruntime, reference',
  );
});

Deno.test("createEngine() refuses a device that the engine does not compute on, or that does not exist", async () => {
  const cases: [choice: EngineChoice, device: DeviceChoice, line: string][] = [
    ["tensorflow", "webgpu", 'with the engine "tensorflow", which computes on cpu or gpu: use --engine onnxruntime'],
    ["onnxruntime", "gpu", 'with the engine "onnxruntime", which computes on cpu or webgpu: use --engine tensorflow'],
    ["reference", "gpu", 'with the engine "reference", which computes on cpu: use --engine tensorflow'],
  ];
  for (const [choice, device, line] of cases) {
    await assertRejects(
      () => createEngine(choice, { device, search: nowhere }),
      UsageError,
      `Cannot use the device "${device}" ${line}`,
    );
  }
  await assertRejects(
    () => createEngine("auto", { device: "cuda" as "gpu" }),
    UsageError,
    'Cannot use the device "cuda": use one of auto, cpu, gpu, webgpu',
  );
});

Deno.test("createEngine() takes every engine to the cpu", async () => {
  for (const choice of ["auto", "onnxruntime", "reference"] as const) {
    await using engine = await createEngine(choice, { device: "cpu", search: nowhere });
    assertEquals(engine.name, choice === "auto" ? "onnxruntime" : choice);
  }
});

Deno.test("createEngine() wants TensorFlow's library for the device gpu", async () => {
  await assertRejects(
    () => createEngine("auto", { device: "gpu", search: nowhere }),
    UsageError,
    'Cannot use the engine "tensorflow" as its library was not found: run `deno task setup`',
  );
});

Deno.test({
  name: "createEngine() says that TensorFlow's library lists no GPU",
  ignore: TENSORFLOW_LIBRARY === undefined,
  fn: async () => {
    await using engine = await createLibtensorflowEngine(TENSORFLOW_LIBRARY!);
    for (const choice of engine.device === "gpu" ? [] : ["auto", "tensorflow"] as const) {
      await assertRejects(
        () => createEngine(choice, { device: "gpu" }),
        UsageError,
        `Cannot use the device "gpu" with the engine "tensorflow" as ${TENSORFLOW_LIBRARY} lists none: ` +
          "use a library built for GPUs (TENSORFLOW_LIBRARY) and their driver, or --device cpu",
      );
    }
  },
});

Deno.test({
  name: "createEngine() takes onnxruntime for the device webgpu",
  ignore: !HAS_WEBGPU,
  fn: async () => {
    using _ = await lockWebgpu();
    await using engine = await createEngine("auto", { device: "webgpu", search: nowhere });
    assertEquals([engine.name, engine.device], ["onnxruntime", "webgpu"]);
  },
});
