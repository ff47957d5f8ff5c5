import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { float32, type NdArray } from "../../lib/core/mod.ts";
import { type Engine, sum, type Tensor, valueAndGrad } from "../../lib/engine/mod.ts";
import { klDivergence } from "../../lib/losses/mod.ts";
import { testOnEngines } from "../testing/engines.ts";

const ENGINES = ["reference", "onnxruntime", "onnxruntime on webgpu", "tensorflow"];

async function divergence(engine: Engine, teacher: NdArray, student: NdArray, temperature?: number): Promise<number[]> {
  const program = engine.compile((inputs: { t: Tensor; s: Tensor }) => klDivergence(inputs.t, inputs.s, temperature));
  return Array.from((await engine.read(await program({ t: teacher, s: student }))).data);
}

const probabilities = (...rows: number[][]) =>
  float32([rows.length, rows[0]!.length], rows.flat().map((p) => Math.log(p)));

testOnEngines("klDivergence() sums over classes and divides by nothing", async (engine) => {
  const teacher = probabilities([0.5, 0.5], [0.25, 0.75]);
  const student = probabilities([0.9, 0.1], [0.75, 0.25]);
  const [first, second, ...rest] = await divergence(engine, teacher, student);
  // 0.5 ln(0.5/0.9) + 0.5 ln(0.5/0.1); 0.25 ln(1/3) + 0.75 ln 3 = 0.5 ln 3
  assertAlmostEquals(first!, 0.5108256237659907, 1e-6);
  assertAlmostEquals(second!, 0.5 * Math.log(3), 1e-6);
  assertEquals(rest, []);
}, ENGINES);

testOnEngines("klDivergence() softens both distributions by the temperature, without a factor t^2", async (engine) => {
  const [value] = await divergence(engine, float32([1, 2], [2 * Math.log(3), 0]), float32([1, 2], [0, 0]), 2);
  // (3/4, 1/4) against (1/2, 1/2): ln 2 - H(3/4)
  assertAlmostEquals(value!, 0.75 * Math.log(1.5) + 0.25 * Math.log(0.5), 1e-6);
}, ENGINES);

testOnEngines(
  "klDivergence() is 0 where student and teacher are equal, shifted logits included, and not symmetric",
  async (engine) => {
    const z = float32([2, 3], [1, -2, 0.5, 40, -40, 0]);
    assertEquals(await divergence(engine, z, z, 3), [0, 0]);
    const [shifted] = await divergence(engine, float32([1, 3], [1, 2, 3]), float32([1, 3], [11, 12, 13]));
    assertEquals(shifted, 0);
    const [a, b] = [probabilities([0.9, 0.1]), probabilities([0.5, 0.5])];
    assertAlmostEquals((await divergence(engine, a, b))[0]!, 0.9 * Math.log(1.8) + 0.1 * Math.log(0.2), 1e-6);
    assertAlmostEquals((await divergence(engine, b, a))[0]!, 0.5108256237659907, 1e-6);
  },
  ENGINES,
);

testOnEngines("klDivergence() stays finite where the teacher is certain", async (engine) => {
  const [value] = await divergence(engine, float32([1, 2], [1000, -1000]), float32([1, 2], [0, 0]));
  assertAlmostEquals(value!, Math.log(2), 1e-6);
}, ENGINES);

testOnEngines("klDivergence() has the gradient (p_S - p_T) / t in the student's logits", async (engine) => {
  const program = engine.compile((inputs: { t: Tensor; s: Tensor }) =>
    valueAndGrad((s: Tensor) => ({ value: sum(klDivergence(inputs.t, s, 2)) }), inputs.s).grad
  );
  const student = float32([1, 2], [0, 0]);
  const grad = await engine.read(await program({ t: float32([1, 2], [2 * Math.log(3), 0]), s: student }));
  assertAlmostEquals(grad.data[0]!, (0.5 - 0.75) / 2, 1e-6);
  assertAlmostEquals(grad.data[1]!, (0.5 - 0.25) / 2, 1e-6);
}, ENGINES);

testOnEngines(
  "klDivergence() refuses logits that do not fit each other and temperatures that are not positive",
  async (engine) => {
    await assertRejects(
      () => divergence(engine, float32([2, 3]), float32([2, 4])),
      TypeError,
      "Cannot take the divergence between logits of shape [2,3] and [2,4]: teacher and student need the same batch and classes",
    );
    await assertRejects(
      () => divergence(engine, float32([2]), float32([2])),
      TypeError,
      "Cannot take the divergence of logits of type float32[2]: it needs float32[batch, classes] with two classes or more",
    );
    for (const temperature of [0, -1, NaN, Infinity]) {
      await assertRejects(
        () => divergence(engine, float32([1, 2]), float32([1, 2]), temperature),
        RangeError,
        `Cannot take the divergence at temperature ${temperature}: it needs a positive number`,
      );
    }
  },
  ENGINES,
);
