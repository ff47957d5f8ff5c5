import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { float32, int32, type NdArray } from "../../lib/core/mod.ts";
import { type Engine, mul, sum, type Tensor, type Value, valueAndGrad } from "../../lib/engine/mod.ts";
import { crossEntropy } from "../../lib/losses/mod.ts";
import { testOnEngines } from "../testing/engines.ts";

const ENGINES = ["reference", "onnxruntime", "onnxruntime on webgpu", "tensorflow"];
const LOGITS = float32([3, 4], [1, 2, 3, 4, 0, 0, 0, 0, 90, -90, 0, 1]);
const LABELS = int32([3], [3, 1, 1]);

async function read(engine: Engine, value: Value): Promise<number[]> {
  return Array.from((await engine.read(value)).data);
}

function assertClose(actual: readonly number[], expected: readonly number[], absolute: number, relative = 0): void {
  assertEquals(actual.length, expected.length);
  actual.forEach((value, i) =>
    assertAlmostEquals(value, expected[i]!, absolute + relative * Math.abs(expected[i]!), `entry ${i}`)
  );
}

testOnEngines("crossEntropy() is -log softmax at the label of each example, also far from 0", async (engine) => {
  const program = engine.compile(({ z, y }: { z: Tensor; y: Tensor }) => crossEntropy(z, y));
  const loss = await program({ z: LOGITS, y: LABELS });
  assertEquals(loss.shape, [3]);
  // log(e^-3 + e^-2 + e^-1 + 1), log 4, and 180 + a term below float32.
  assertClose(await read(engine, loss), [0.4401896985611953, Math.log(4), 180], 0, 1e-6);
}, ENGINES);

// torch.nn.CrossEntropyLoss(reduction="none")(z, q), PyTorch 2.13.0, float32; the first row of q is label 3 smoothed by
// 0.1: 0.9 * 0.44018970 + 0.1 * mean(3.4401897, 2.4401897, 1.4401897, 0.4401897).
testOnEngines("crossEntropy() takes probabilities as torch.nn.CrossEntropyLoss does", async (engine) => {
  const program = engine.compile(({ z, y }: { z: Tensor; y: Tensor }) => crossEntropy(z, y));
  const z = float32([2, 4], [1, 2, 3, 4, 0.5, -0.25, 1, 0]);
  const y = float32([2, 4], [0.025, 0.025, 0.025, 0.925, 0.7, 0, 0.3, 0]);
  assertClose(await read(engine, await program({ z, y })), [0.5901896953582764, 1.1657694578170776], 0, 1e-6);
}, ENGINES);

testOnEngines("crossEntropy() has the gradient p - q and the Hessian diag(p) - p p'", async (engine) => {
  const v = [0.3, -0.7, 1.1, 0.2];
  const z = [0.5, -0.25, 1, 0];
  const e = z.map(Math.exp);
  const p = e.map((value) => value / e.reduce((a, b) => a + b));
  const pv = p.reduce((total, value, k) => total + value * v[k]!, 0);
  const program = engine.compile((inputs: { z: Tensor; y: Tensor; v: Tensor }) => {
    const gradient = (at: Tensor) =>
      valueAndGrad((at: Tensor) => ({ value: sum(crossEntropy(at, inputs.y)) }), at).grad;
    const second = valueAndGrad((at: Tensor) => ({ value: sum(mul(gradient(at), inputs.v)) }), inputs.z).grad;
    return { first: gradient(inputs.z), second };
  });
  const { first, second } = await program({ z: float32([1, 4], z), y: int32([1], [2]), v: float32([1, 4], v) });
  assertClose(await read(engine, first), p.map((value, k) => value - (k === 2 ? 1 : 0)), 1e-6);
  assertClose(await read(engine, second), p.map((value, k) => value * (v[k]! - pv)), 1e-6);
}, ENGINES);

testOnEngines(
  "crossEntropy() has the second derivative that central differences of its gradient give",
  async (engine) => {
    const gradient = engine.compile(({ z, y }: { z: Tensor; y: Tensor }) =>
      valueAndGrad((at: Tensor) => ({ value: sum(crossEntropy(at, y)) }), z).grad
    );
    const along = engine.compile(({ z, y, v }: { z: Tensor; y: Tensor; v: Tensor }) =>
      valueAndGrad((at: Tensor) => ({
        value: sum(mul(valueAndGrad((at: Tensor) => ({ value: sum(crossEntropy(at, y)) }), at).grad, v)),
      }), z).grad
    );
    const y = float32([2, 3], [0.8, 0.15, 0.05, 0.1, 0, 0.9]);
    const z = [0.4, -0.3, 0.9, -1.2, 0.1, 0.6];
    const v = [0.5, 0.2, -0.8, 1, -0.4, 0.3];
    const h = 1e-2;
    const at = (sign: number): NdArray => float32([2, 3], z.map((value, i) => value + sign * h * v[i]!));
    const [up, down] = [
      await read(engine, await gradient({ z: at(1), y })),
      await read(engine, await gradient({ z: at(-1), y })),
    ];
    const exact = await read(engine, await along({ z: float32([2, 3], z), y, v: float32([2, 3], v) }));
    // Error h^2/6 * third derivative, and rounding 1e-7 / 2h.
    assertClose(exact, up.map((value, i) => (value - down[i]!) / (2 * h)), 3e-5);
  },
  ENGINES,
);

testOnEngines("crossEntropy() refuses shapes and dtypes that it cannot use", async (engine) => {
  const call = (z: NdArray, y: NdArray) =>
    engine.compile(({ z, y }: { z: Tensor; y: Tensor }) => crossEntropy(z, y))({ z, y });
  await assertRejects(
    () => call(float32([4]), int32([1])),
    TypeError,
    "Cannot take the cross-entropy of logits of type float32[4]: it needs float32[batch, classes] with two classes or more",
  );
  await assertRejects(
    () => call(float32([2, 3]), int32([3])),
    TypeError,
    "Cannot take the cross-entropy at labels of type int32[3]: it needs int32[2], one class for each row of the logits",
  );
  await assertRejects(
    () => call(float32([2, 3]), float32([2])),
    TypeError,
    "Cannot take the cross-entropy at labels of type float32[2]",
  );
  await assertRejects(
    () => call(float32([2, 3]), float32([2, 2])),
    TypeError,
    "Cannot take the cross-entropy at probabilities of type float32[2,2]: it needs float32[2,3], one for each class",
  );
}, ENGINES);
