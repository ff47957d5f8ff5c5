import { assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { createEngine, ENGINE_CHOICES } from "../../lib/engine/mod.ts";
import { TENSORFLOW_LIBRARY } from "../testing/engines.ts";

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
  await using engine = await createEngine("auto", nowhere);
  assertEquals(engine.name, "onnxruntime");
  assertEquals(engine.note, "the TensorFlow library is not used: it was not found");
  const named = () => ({ path: undefined, looked: ["TENSORFLOW_LIBRARY=/no/such.so"] });
  await using other = await createEngine("auto", named);
  assertEquals(other.note, "the TensorFlow library is not used: there is no file TENSORFLOW_LIBRARY=/no/such.so");
});

Deno.test("createEngine() falls back where the TensorFlow library does not load, and says so", async () => {
  const path = await Deno.makeTempFile({ prefix: "kdiga-", suffix: ".so" });
  try {
    await using engine = await createEngine("auto", () => ({ path, looked: [path] }));
    assertEquals(engine.name, "onnxruntime");
    assertEquals(engine.note!.startsWith(`the TensorFlow library is not used (${path}): `), true);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("createEngine() says what to do where the TensorFlow library is asked for and missing", async () => {
  await assertRejects(
    () => createEngine("tensorflow", nowhere),
    UsageError,
    'Cannot use the engine "tensorflow" as its library was not found: run `deno task setup`, or set ' +
      "TENSORFLOW_LIBRARY to the path of libtensorflow_cc (looked at /a/libtensorflow_cc.so.2, /b/lib/python3*)",
  );
});

Deno.test("createEngine() says what is wrong where the TensorFlow library does not load", async () => {
  const path = await Deno.makeTempFile({ prefix: "kdiga-", suffix: ".so" });
  try {
    await assertRejects(
      () => createEngine("tensorflow", () => ({ path, looked: [path] })),
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
