import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { float32, int32, type NdArray } from "../../lib/core/mod.ts";
import { type Engine, mul, sum, type Tensor, valueAndGrad } from "../../lib/engine/mod.ts";
import { margin } from "../../lib/losses/mod.ts";
import { testOnEngines } from "../testing/engines.ts";

const ENGINES = ["reference", "onnxruntime", "onnxruntime on webgpu", "tensorflow"];

async function evaluate(
  engine: Engine,
  z: NdArray,
  y: number[],
  w = y.map(() => 1),
): Promise<{ margin: number[]; grad: number[] }> {
  const program = engine.compile(({ z, y, w }: { z: Tensor; y: Tensor; w: Tensor }) => {
    const { grad, aux } = valueAndGrad((at: Tensor) => {
      const m = margin(at, y);
      return { value: sum(mul(m, w)), aux: m };
    }, z);
    return { margin: aux, grad };
  });
  const result = await program({ z, y: int32([y.length], y), w: float32([y.length], w) });
  const [m, grad] = [await engine.read(result.margin), await engine.read(result.grad)];
  return { margin: Array.from(m.data), grad: Array.from(grad.data) };
}

testOnEngines("margin() is the label's logit less the largest other one", async (engine) => {
  const z = float32([4, 3], [3, 1, 2, 3, 1, 2, 3, 1, 2, -5, -7, -6]);
  assertEquals((await evaluate(engine, z, [0, 1, 2, 1])).margin, [1, -2, -1, -2]);
}, ENGINES);

testOnEngines("margin() does not round: logits of any size give their float32 difference", async (engine) => {
  const z = float32([3, 3], [1e6, 1e6 + 0.5, -3e30, 0.1, 0.3, 0.2, -1e30, -2e30, -3e30]);
  const expected = [Math.fround(1e6) - Math.fround(1e6 + 0.5), Math.fround(0.1) - Math.fround(0.3), 1e30];
  assertEquals((await evaluate(engine, z, [0, 0, 0])).margin, expected.map(Math.fround));
}, ENGINES);

testOnEngines("margin() serves two classes", async (engine) => {
  assertEquals((await evaluate(engine, float32([2, 2], [3, 1, 3, 1]), [0, 1])).margin, [2, -2]);
}, ENGINES);

testOnEngines(
  "margin() has gradient 1 at the label and -1 at the strongest other class, scaled per example",
  async (engine) => {
    const z = float32([2, 4], [0, 3, 1, 2, 5, 1, 2, 4]);
    assertEquals((await evaluate(engine, z, [1, 3], [1, -2])).grad, [0, 1, 0, -1, 2, 0, 0, -2]);
  },
  ENGINES,
);

testOnEngines("margin() takes the first of tied classes, and a tie with the label is a margin of 0", async (engine) => {
  const { margin: m, grad } = await evaluate(engine, float32([1, 3], [2, 2, 2]), [1]);
  assertEquals(m, [0]);
  assertEquals(grad, [-1, 1, 0]);
}, ENGINES);

testOnEngines("margin() has the gradient that central differences give", async (engine) => {
  const z = [0.3, 1.4, -0.2, 0.9];
  const { grad } = await evaluate(engine, float32([1, 4], z), [3]);
  const h = 1e-2;
  for (let k = 0; k < 4; k++) {
    const at = async (sign: number) =>
      (await evaluate(engine, float32([1, 4], z.map((value, i) => i === k ? value + sign * h : value)), [3]))
        .margin[0]!;
    assertAlmostEquals((await at(1) - await at(-1)) / (2 * h), grad[k]!, 1e-4);
  }
}, ENGINES);

testOnEngines("margin() refuses shapes and dtypes that it cannot use", async (engine) => {
  const call = (z: NdArray, y: NdArray) =>
    engine.compile(({ z, y }: { z: Tensor; y: Tensor }) => margin(z, y))({ z, y });
  await assertRejects(
    () => call(float32([2, 1]), int32([2])),
    TypeError,
    "Cannot take the margin of logits of type float32[2,1]: it needs float32[batch, classes] with two classes or more",
  );
  await assertRejects(
    () => call(float32([2, 3]), int32([2, 1])),
    TypeError,
    "Cannot take the margin at labels of type int32[2,1]: it needs int32[2], one class for each row of the logits",
  );
}, ENGINES);
