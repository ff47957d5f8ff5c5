import { assertEquals } from "@std/assert";
import { float32, int32 } from "../../lib/core/mod.ts";
import { createEngine, type Tensor } from "../../lib/engine/mod.ts";
import { classesOf } from "../../lib/losses/mod.ts";

Deno.test("classesOf() gives classes as they are, and the most probable ones of probabilities", async () => {
  await using engine = await createEngine("reference");
  const program = engine.compile(({ y }: { y: Tensor }) => ({ classes: classesOf(y) }));
  const of = async (
    y: Parameters<typeof program>[0]["y"],
  ) => [...(await engine.read((await program({ y })).classes)).data];
  assertEquals(await of(int32([3], [2, 0, 1])), [2, 0, 1]);
  assertEquals(await of(float32([2, 3], [0.2, 0.7, 0.1, 0.5, 0.1, 0.4])), [1, 0]);
});
