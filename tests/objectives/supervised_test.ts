import { assertAlmostEquals } from "@std/assert";
import { createEngine, matMul, readTree, reshape, type Tensor } from "../../lib/engine/mod.ts";
import { float32, int32, type NdArray } from "../../lib/core/mod.ts";
import { natural } from "../../lib/objectives/mod.ts";

// F.cross_entropy(tensor([[1., 2., -1.]]), tensor([0]), label_smoothing=0.1) = 1.38234543800354 (PyTorch 2.13.0).
Deno.test("natural is the cross-entropy of clean images, also at smoothed labels", async () => {
  await using engine = await createEngine("reference");
  const program = engine.compile(({ x, xAdv, y, w }: Record<"x" | "xAdv" | "y" | "w", Tensor>) => {
    const student = (pixels: Tensor) => matMul(reshape(pixels, [1, 1]), w);
    const pair = { student, teacher: undefined };
    return natural.losses(pair, { x, y, xAdv }, { kind: "natural" }, { progress: x, state: {} }).terms;
  });
  const ceOf = async (y: NdArray) => {
    const terms = await program({
      x: float32([1, 1, 1, 1], [1]),
      xAdv: float32([1, 1, 1, 1], [9]),
      y,
      w: float32([1, 3], [1, 2, -1]),
    });
    return (await readTree(engine, terms)).ce!.data[0]!;
  };
  assertAlmostEquals(await ceOf(int32([1], [0])), Math.log(Math.exp(1) + Math.exp(2) + Math.exp(-1)) - 1, 1e-6);
  assertAlmostEquals(await ceOf(float32([1, 3], [0.9 + 0.1 / 3, 0.1 / 3, 0.1 / 3])), 1.38234543800354, 1e-6);
});
