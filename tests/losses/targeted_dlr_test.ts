import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { float32, int32, type NdArray } from "../../lib/core/mod.ts";
import { type Engine, sum, type Tensor, valueAndGrad } from "../../lib/engine/mod.ts";
import { targetedDlr } from "../../lib/losses/mod.ts";
import { testOnEngines } from "../testing/engines.ts";
import { normal } from "../testing/numbers.ts";

const ENGINES = ["reference", "onnxruntime", "tensorflow"];

async function evaluate(
  engine: Engine,
  z: NdArray,
  y: readonly number[],
  t: readonly number[],
): Promise<{ loss: number[]; grad: number[] }> {
  const program = engine.compile(({ z, y, t }: { z: Tensor; y: Tensor; t: Tensor }) => {
    const { grad, aux } = valueAndGrad((at: Tensor) => {
      const each = targetedDlr(at, y, t);
      return { value: sum(each), aux: each };
    }, z);
    return { loss: aux, grad };
  });
  const { loss, grad } = await program({ z, y: int32([y.length], y), t: int32([t.length], t) });
  return {
    loss: Array.from((await engine.read(loss)).data),
    grad: Array.from((await engine.read(grad)).data),
  };
}

testOnEngines("targetedDlr() is -(z_y - z_t) / (z_1st - (z_3rd + z_4th) / 2)", async (engine) => {
  const z = float32([3, 5], [7, 4, 1, 0, -9, 7, 4, 1, 0, -9, 7, 4, 1, 0, -9]);
  const { loss } = await evaluate(engine, z, [0, 0, 1], [1, 4, 0]);
  [-3 / 6.5, -16 / 6.5, 3 / 6.5].forEach((expected, i) => assertAlmostEquals(loss[i]!, expected, 1e-6));
}, ENGINES);

testOnEngines("targetedDlr() does not change when the logits are scaled and shifted", async (engine) => {
  const z = normal([5, 6], "z");
  const [y, t] = [[0, 1, 2, 3, 4], [1, 2, 3, 4, 5]];
  const { loss } = await evaluate(engine, z, y, t);
  for (const [scale, shift] of [[2 ** 10, 0], [2 ** -20, 0], [1, 3], [8, -40]] as const) {
    const changed = float32(z.shape, z.data.map((value) => scale * value + shift));
    (await evaluate(engine, changed, y, t)).loss.forEach((value, i) => assertAlmostEquals(value, loss[i]!, 1e-4));
  }
}, ENGINES);

testOnEngines("targetedDlr() has the gradient that central differences give", async (engine) => {
  const z = [0.3, 1.4, -0.2, 0.9, -1];
  for (const [y, t] of [[1, 3], [1, 4], [0, 1]] as const) {
    const { grad } = await evaluate(engine, float32([1, 5], z), [y], [t]);
    const h = 1e-2;
    for (let k = 0; k < 5; k++) {
      const at = async (sign: number) =>
        (await evaluate(engine, float32([1, 5], z.map((value, i) => i === k ? value + sign * h : value)), [y], [t]))
          .loss[0]!;
      assertAlmostEquals((await at(1) - await at(-1)) / (2 * h), grad[k]!, 1e-3);
    }
  }
}, ENGINES);

testOnEngines("targetedDlr() has finite values and gradients where logits are equal", async (engine) => {
  const { loss, grad } = await evaluate(engine, float32([2, 4], [2, 2, 2, 2, 5, 5, 5, 5]), [1, 0], [2, 3]);
  assertEquals(loss.map((value) => value + 0), [0, 0]);
  assert(grad.every(Number.isFinite), String(grad));
}, ENGINES);

testOnEngines("targetedDlr() of two and three classes is z_t - z_y", async (engine) => {
  assertEquals((await evaluate(engine, float32([2, 2], [3, 1, 3, 1]), [0, 1], [1, 0])).loss, [-2, 2]);
  assertEquals((await evaluate(engine, float32([1, 3], [3, 1, 7]), [0], [1])).loss, [-2]);
}, ENGINES);

testOnEngines("targetedDlr() refuses labels and targets that do not fit", async (engine) => {
  const program = engine.compile(({ z, y, t }: { z: Tensor; y: Tensor; t: Tensor }) => targetedDlr(z, y, t));
  const z = float32([2, 3]);
  await assertRejects(() => program({ z, y: int32([3]), t: int32([2]) }), TypeError);
  await assertRejects(() => program({ z, y: int32([2]), t: int32([1]) }), TypeError);
}, ENGINES);
