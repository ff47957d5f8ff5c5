import { assertAlmostEquals, assertEquals } from "@std/assert";
import { float32, rng } from "../../lib/core/mod.ts";
import { createEngine, readTree, sum, type Tensor, valueAndGrad } from "../../lib/engine/mod.ts";
import type { Weights } from "../../lib/models/mod.ts";
import { trackedStudent } from "../../lib/training/_tracked_student.ts";
import type { BatchNormUpdates } from "../../lib/training/step.ts";
import { CNN, MLP } from "./_toy.ts";

const WEIGHTS = CNN.init(rng(1));
const X = float32([3, 4, 4, 1], rng(2).uniform(48));

async function buffersAfter(passes: number, updates: BatchNormUpdates, differentiated = false): Promise<number[]> {
  await using engine = await createEngine("reference");
  const program = engine.compile(({ weights, x }: { weights: Weights<Tensor>; x: Tensor }) => {
    const student = trackedStudent(CNN, weights.parameters, weights.buffers, updates);
    for (let i = 0; i < passes; i++) {
      if (differentiated) valueAndGrad((at: Tensor) => ({ value: sum(student.forward(at)) }), x);
      else student.forward(x);
    }
    return student.buffers();
  });
  const buffers = await readTree(engine, await program({ weights: WEIGHTS, x: X }));
  assertEquals(Object.keys(buffers), Object.keys(WEIGHTS.buffers));
  return Object.values(buffers).flatMap(({ data }) => [...data]);
}

Deno.test("trackedStudent() moves the running statistics at the first pass or at every one", async () => {
  const zero = Object.values(WEIGHTS.buffers).flatMap(({ data }) => [...data]);
  const once = await buffersAfter(1, "first");
  assertEquals(once.some((value, i) => Math.abs(value - zero[i]!) > 1e-3), true);
  assertEquals(await buffersAfter(2, "first"), once);
  assertEquals(await buffersAfter(1, "every"), once);
  // The same batch b again: m2 = 0.9 m1 + 0.1 b = m1 + 0.9 (m1 - m0).
  const twice = await buffersAfter(2, "every");
  twice.forEach((value, i) => assertAlmostEquals(value, once[i]! + 0.9 * (once[i]! - zero[i]!), 1e-6));
});

Deno.test("trackedStudent() keeps the statistics of passes that are differentiated", async () => {
  assertEquals(await buffersAfter(1, "first", true), await buffersAfter(1, "first"));
  assertEquals(await buffersAfter(2, "every", true), await buffersAfter(2, "every"));
});

Deno.test("trackedStudent() gives the first pass's logits, and buffers that nothing moves as they are", async () => {
  await using engine = await createEngine("reference");
  const buffer = engine.put(float32([1], [5]));
  const model = {
    ...MLP,
    apply: (weights: Weights<Tensor>, x: Tensor) => ({ logits: MLP.logits(weights, x), buffers: weights.buffers }),
  };
  const program = engine.compile(({ weights, x, other }: { weights: Weights<Tensor>; x: Tensor; other: Tensor }) => {
    const student = trackedStudent(model, weights.parameters, weights.buffers, "every");
    assertEquals(student.firstLogits(), undefined);
    student.forward(x);
    student.forward(other);
    return { first: student.firstLogits()!, expected: MLP.logits(weights, x), buffers: student.buffers() };
  });
  const weights = { parameters: MLP.init(rng(1)).parameters, buffers: { count: buffer } };
  const { first, expected, buffers } = await readTree(
    engine,
    await program({ weights, x: X, other: float32(X.shape) }),
  );
  assertEquals(first, expected);
  assertEquals([...buffers.count!.data], [5]);
  assertEquals([...(await engine.read(buffer)).data], [5]); // not disposed of by the pass
});
