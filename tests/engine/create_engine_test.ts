import { assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { createEngine, ENGINE_CHOICES } from "../../lib/engine/mod.ts";

Deno.test("createEngine() makes every engine that it names", async () => {
  for (const choice of ENGINE_CHOICES) {
    await using engine = await createEngine(choice);
    assertEquals(engine.name, choice === "auto" ? "onnxruntime" : choice);
  }
});

Deno.test("createEngine() lists the engines where the name is unknown", async () => {
  await assertRejects(
    () => createEngine("torch" as "auto"),
    UsageError,
    'Cannot use the engine "torch": use one of auto, onnxruntime, reference',
  );
});
