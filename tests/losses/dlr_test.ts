import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { float32, int32, type NdArray } from "../../lib/core/mod.ts";
import { type Engine, sum, type Tensor, valueAndGrad } from "../../lib/engine/mod.ts";
import { dlr } from "../../lib/losses/mod.ts";
import { testOnEngines } from "../testing/engines.ts";
import { normal } from "../testing/numbers.ts";

const ENGINES = ["reference", "onnxruntime", "tensorflow"];

async function evaluate(engine: Engine, z: NdArray, y: readonly number[]): Promise<{ loss: number[]; grad: number[] }> {
  const program = engine.compile(({ z, y }: { z: Tensor; y: Tensor }) => {
    const { grad, aux } = valueAndGrad((at: Tensor) => {
      const each = dlr(at, y);
      return { value: sum(each), aux: each };
    }, z);
    return { loss: aux, grad };
  });
  const { loss, grad } = await program({ z, y: int32([y.length], y) });
  return {
    loss: Array.from((await engine.read(loss)).data),
    grad: Array.from((await engine.read(grad)).data),
  };
}

testOnEngines("dlr() is -(z_y - max z_k) / (z_1st - z_3rd)", async (engine) => {
  const z = float32([4, 4], [7, 4, 1, 0, 7, 4, 1, 0, 7, 4, 1, 0, 0, 1, 4, 7]);
  const { loss } = await evaluate(engine, z, [0, 1, 3, 3]);
  [-3 / 6, 3 / 6, 7 / 6, -3 / 6].forEach((expected, i) => assertAlmostEquals(loss[i]!, expected, 1e-6));
}, ENGINES);

testOnEngines("dlr() does not change when the logits are scaled and shifted", async (engine) => {
  const z = normal([6, 5], "z");
  const y = [0, 1, 2, 3, 4, 0];
  const { loss } = await evaluate(engine, z, y);
  for (const [scale, shift] of [[2 ** 10, 0], [2 ** -20, 0], [1, 3], [8, -40]] as const) {
    const changed = float32(z.shape, z.data.map((value) => scale * value + shift));
    (await evaluate(engine, changed, y)).loss.forEach((value, i) => assertAlmostEquals(value, loss[i]!, 1e-4));
  }
}, ENGINES);

testOnEngines("dlr() has the gradient that central differences give, through the denominator too", async (engine) => {
  const z = [0.3, 1.4, -0.2, 0.9, -1];
  for (const label of [1, 3, 4]) {
    const { grad } = await evaluate(engine, float32([1, 5], z), [label]);
    const h = 1e-2;
    for (let k = 0; k < 5; k++) {
      const at = async (sign: number) =>
        (await evaluate(engine, float32([1, 5], z.map((value, i) => i === k ? value + sign * h : value)), [label]))
          .loss[0]!;
      assertAlmostEquals((await at(1) - await at(-1)) / (2 * h), grad[k]!, 1e-3);
    }
  }
}, ENGINES);

testOnEngines("dlr() has finite values and gradients where logits are equal", async (engine) => {
  const z = float32([3, 4], [2, 2, 2, 2, 5, 5, 1, 0, 5, 5, 5, 0]);
  const { loss, grad } = await evaluate(engine, z, [1, 0, 2]);
  assertEquals(loss.map((value) => value + 0), [0, 0, 0]);
  assert(grad.every(Number.isFinite), String(grad));
}, ENGINES);

testOnEngines("dlr() of two classes is the margin with its sign turned", async (engine) => {
  assertEquals((await evaluate(engine, float32([2, 2], [3, 1, 3, 1]), [0, 1])).loss, [-2, 2]);
}, ENGINES);

testOnEngines("dlr() refuses labels and logits that do not fit", async (engine) => {
  const program = engine.compile(({ z, y }: { z: Tensor; y: Tensor }) => dlr(z, y));
  await assertRejects(() => program({ z: float32([2, 3]), y: int32([3]) }), TypeError);
}, ENGINES);
