import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { float32, UsageError } from "../../lib/core/mod.ts";
import { createEngine, readTree, type Tensor } from "../../lib/engine/mod.ts";
import { checkClip, clipGradients, type ClipSpec } from "../../lib/training/clip_gradients.ts";
import type { Named } from "../../lib/training/optimizer.ts";

async function clipped(spec: ClipSpec | undefined): Promise<number[]> {
  await using engine = await createEngine("reference");
  const program = engine.compile((gradients: Named<Tensor>) => clipGradients(spec, gradients));
  const outputs = await readTree(engine, await program({ a: float32([3], [3, 0, -1]), b: float32([1, 1], [2]) }));
  return [...outputs["a"]!.data, ...outputs["b"]!.data];
}

// torch.nn.utils.clip_grad_norm_([a, b], max) and clip_grad_value_, PyTorch 2.13.0, float32.
Deno.test("clipGradients() shortens all gradients together as clip_grad_norm_ does", async () => {
  const expected = [1.2026753425598145, 0, -0.4008917808532715, 0.801783561706543];
  (await clipped({ kind: "norm", max: 1.5 })).forEach((value, i) => assertAlmostEquals(value, expected[i]!, 2e-7));
  assertEquals(await clipped({ kind: "norm", max: 5 }), [3, 0, -1, 2]);
});

Deno.test("clipGradients() limits each number as clip_grad_value_ does, or nothing", async () => {
  assertEquals(await clipped({ kind: "value", max: 1.5 }), [1.5, 0, -1, 1.5]);
  assertEquals(await clipped(undefined), [3, 0, -1, 2]);
});

Deno.test("checkClip() refuses limits that are not positive", () => {
  checkClip(undefined);
  checkClip({ kind: "norm", max: 1 });
  for (const max of [0, -1, Infinity, NaN]) {
    assertThrows(() => checkClip({ kind: "value", max }), UsageError, `Cannot clip gradients to ${max}`);
  }
});
