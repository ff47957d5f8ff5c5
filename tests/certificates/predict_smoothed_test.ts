import { assertEquals } from "@std/assert";
import { predictSmoothed, type SmoothedPrediction } from "../../lib/certificates/mod.ts";
import { float32, rng } from "../../lib/core/mod.ts";
import type { Engine } from "../../lib/engine/mod.ts";
import { testOnEngines } from "../testing/engines.ts";
import { halfSpace } from "./_linear.ts";

async function predict(engine: Engine, pixel: number, draws: number): Promise<SmoothedPrediction> {
  const image = float32([1, 1, 1], [pixel]);
  const spec = { sigma: 0.1, draws, alpha: 0.001, batchSize: 64 };
  const prediction = predictSmoothed(engine, halfSpace([1], -0.5), image, spec, rng(1, 3));
  for (;;) {
    const { done, value } = await prediction.next();
    if (done) return value;
  }
}

testOnEngines("predictSmoothed() gives a class where the draws are clear, else none", async (engine) => {
  assertEquals((await predict(engine, 0.6, 200)).prediction, 1);
  assertEquals((await predict(engine, 0.4, 200)).prediction, 0);
  assertEquals((await predict(engine, 0.5, 200)).prediction, undefined);
  // Of ten draws in one class the two-sided test says 2 / 1024 > 0.001, of eleven 2 / 2048 < 0.001.
  assertEquals((await predict(engine, 9, 10)).prediction, undefined);
  const { prediction, counts } = await predict(engine, 9, 11);
  assertEquals([prediction, [...counts]], [1, [0, 11]]);
});
