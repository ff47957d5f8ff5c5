import { assertAlmostEquals, assertEquals } from "@std/assert";
import { createEngine } from "../../lib/engine/mod.ts";
import { inputGradients } from "../../lib/evaluation/mod.ts";
import { linear, mlp, randomBatch } from "../attacks/_classifiers.ts";
import { float32, int32 } from "../../lib/core/mod.ts";

const engine = await createEngine("reference");

Deno.test("inputGradients() of a linear network are sum_k (p_k - [k = y]) w_k", async () => {
  const classifier = linear([[1, -1], [2, 0.5]], [0.1, 0.3]);
  const x = float32([1, 1, 1, 2], [0.3, 0.6]);
  const { loss, gradient } = await inputGradients(engine, classifier, { x, y: int32([1], [0]) });
  // z = (0.3 + 1.2 + 0.1, -0.3 + 0.3 + 0.3) = (1.6, 0.3); p_1 = 1 / (1 + e^1.3).
  const p = 1 / (1 + Math.exp(1.3));
  assertAlmostEquals(loss[0]!, -Math.log(1 - p), 1e-6);
  assertAlmostEquals(gradient.data[0]!, -2 * p, 1e-6);
  assertAlmostEquals(gradient.data[1]!, -1.5 * p, 1e-6);
});

Deno.test("inputGradients() are those of each image's own loss, by finite differences", async () => {
  const classifier = mlp();
  const batch = randomBatch(classifier, 3);
  const { gradient } = await inputGradients(engine, classifier, batch);
  assertEquals(gradient.shape, batch.x.shape);
  for (const at of [0, 5, 13, 35]) {
    const lossAt = async (move: number) => {
      const x = float32(batch.x.shape, batch.x.data.with(at, batch.x.data[at]! + move));
      return (await inputGradients(engine, classifier, { ...batch, x })).loss[Math.floor(at / 12)]!;
    };
    const difference = (await lossAt(0.01) - await lossAt(-0.01)) / 0.02;
    assertAlmostEquals(gradient.data[at]!, difference, 1e-3);
  }
});
