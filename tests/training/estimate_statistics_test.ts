import { assertAlmostEquals, assertEquals } from "@std/assert";
import { float32, rng } from "../../lib/core/mod.ts";
import { createEngine } from "../../lib/engine/mod.ts";
import { estimateStatistics, type StatisticsBatch } from "../../lib/training/mod.ts";
import { testOnEngines } from "../testing/engines.ts";
import { CNN, MLP } from "./_toy.ts";

async function* batches(): AsyncGenerator<StatisticsBatch> {
  for (const j of [0, 1]) {
    yield { x: float32([3, 4, 4, 1], Float32Array.from({ length: 48 }, (_, i) => ((i * 7 + j * 3) % 16) / 16)) };
  }
}

// torch.optim.swa_utils.update_bn of Conv2d(1, 2, 3, padding=1, bias=False) and BatchNorm2d(2) over the two batches above,
// weights [KH, KW, I, O] ((5 i) % 9 - 4) / 8, PyTorch 2.13.0, float32.
testOnEngines("estimateStatistics() takes those of update_bn, whatever was there before", async (engine) => {
  const { parameters, buffers } = CNN.init(rng(1));
  const conv = float32([3, 3, 1, 2], Float32Array.from({ length: 18 }, (_, i) => ((i * 5) % 9 - 4) / 8));
  const odd = Object.fromEntries(
    Object.entries(buffers).map(([name, { shape, data }]) => [name, float32(shape, data.map(() => 7))]),
  );
  const weights = { parameters: { ...parameters, "conv1.weight": conv }, buffers: odd };
  const found = await estimateStatistics(engine, CNN, weights, batches());
  assertEquals(Object.keys(found), Object.keys(buffers));
  const close = (name: string, expected: number[]) =>
    expected.forEach((value, i) => assertAlmostEquals(found[name]!.data[i]!, value, 1e-6, name));
  close("bn1.running_mean", [0.0126953125, -0.08984375]);
  close("bn1.running_var", [0.15947219729423523, 0.08936301618814468]);
}, ["reference", "onnxruntime", "onnxruntime on webgpu", "tensorflow"]);

Deno.test("estimateStatistics() asks for no batch where there are none to take", async () => {
  await using engine = await createEngine("reference");
  // deno-lint-ignore require-yield
  const never = async function* (): AsyncGenerator<StatisticsBatch> {
    throw new Error("asked");
  };
  assertEquals(await estimateStatistics(engine, MLP, MLP.init(rng(1)), never()), {});
});
