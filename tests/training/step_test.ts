import { assertAlmostEquals, assertEquals } from "@std/assert";
import { float32, int32, type NdArray, rng, scalar } from "../../lib/core/mod.ts";
import { createEngine, readTree } from "../../lib/engine/mod.ts";
import { createModel } from "../../lib/models/mod.ts";
import { KDIGA_PAPER, type ObjectiveSpec } from "../../lib/objectives/mod.ts";
import { type BatchNormUpdates, type OptimizerSpec, trainingStep } from "../../lib/training/mod.ts";
import { CNN, MLP, TEACHER } from "./_toy.ts";

Deno.test("trainingStep() of a linear classifier takes the step that is known in closed form", async () => {
  await using engine = await createEngine("reference");
  const model = createModel({ kind: "mlp", hidden: [] }, { classes: 2, inputShape: [1, 2, 1] });
  const optimizer: OptimizerSpec = { kind: "sgd", momentum: 0.9, weightDecay: 0.01 };
  const program = engine.compile(
    trainingStep({ model, teacher: undefined, objective: { kind: "natural" }, optimizer }),
  );
  const [w, b] = [[0.5, -0.5, 0.25, 0.75], [0.1, 0.2]];
  const [v, vb] = [[1, 0, -1, 2], [0.5, -0.5]];
  const [x, y] = [[0.2, 0.8, 0.6, 0.1, 0.9, 0.4], [0, 1, 1]];
  const outputs = await readTree(
    engine,
    await program({
      parameters: { "fc1.weight": float32([2, 2], w), "fc1.bias": float32([2], b) },
      buffers: {},
      optimizerState: { velocity: { "fc1.weight": float32([2, 2], v), "fc1.bias": float32([2], vb) } },
      teacher: undefined,
      x: float32([3, 1, 2, 1], x),
      y: int32([3], y),
      xAdv: undefined,
      learningRate: scalar(0.1),
      progress: scalar(0),
    }),
  );

  // By hand: z = x W + b, dL/dW = x^T (p - q) / 3, dL/db = sum (p - q) / 3, then SGD.
  const gradient = [0, 0, 0, 0];
  const gradientB = [0, 0];
  let [ce, correct] = [0, 0];
  for (let i = 0; i < 3; i++) {
    const pixels = x.slice(2 * i, 2 * i + 2);
    const z = [0, 1].map((k) => pixels[0]! * w[k]! + pixels[1]! * w[2 + k]! + b[k]!);
    const total = Math.exp(z[0]!) + Math.exp(z[1]!);
    ce += (Math.log(total) - z[y[i]!]!) / 3;
    correct += Number(z[y[i]!]! > z[1 - y[i]!]!);
    for (const k of [0, 1]) {
      const residual = (Math.exp(z[k]!) / total - Number(k === y[i])) / 3;
      gradientB[k]! += residual;
      for (const j of [0, 1]) gradient[2 * j + k]! += pixels[j]! * residual;
    }
  }
  const nextV = [...v, ...vb].map((old, i) => 0.9 * old + [...gradient, ...gradientB][i]! + 0.01 * [...w, ...b][i]!);
  const values = (arrays: Readonly<Record<string, NdArray>>) => Object.values(arrays).flatMap(({ data }) => [...data]);
  const assertClose = (actual: number[], expected: number[]) => {
    assertEquals(actual.length, expected.length);
    actual.forEach((value, i) => assertAlmostEquals(value, expected[i]!, 1e-6));
  };
  assertClose(values(outputs.optimizerState.velocity!), nextV);
  assertClose(values(outputs.parameters), [...w, ...b].map((old, i) => old - 0.1 * nextV[i]!));
  assertAlmostEquals(outputs.terms.ce!.data[0]!, ce, 1e-6);
  assertAlmostEquals(outputs.accuracy.data[0]!, correct / 3, 1e-6);
  assertEquals(outputs.buffers, {});
});

Deno.test("trainingStep() moves running statistics once, or with separate passes and every one, twice", async () => {
  await using engine = await createEngine("reference");
  const { parameters, buffers } = CNN.init(rng(1));
  const after = async (objective: ObjectiveSpec, batchNormUpdates: BatchNormUpdates) => {
    const optimizer: OptimizerSpec = { kind: "sgd", momentum: 0 };
    const program = engine.compile(
      trainingStep({ model: CNN, teacher: TEACHER.logits, objective, optimizer, batchNormUpdates }),
    );
    const outputs = await program({
      parameters,
      buffers,
      optimizerState: {},
      teacher: TEACHER.weights,
      x: float32([3, 4, 4, 1], rng(2).uniform(48)),
      y: int32([3], [0, 1, 1]),
      xAdv: undefined,
      learningRate: scalar(0.1),
      progress: scalar(0),
    });
    return await readTree(engine, { buffers: outputs.buffers, parameters: outputs.parameters });
  };
  const once = await after(KDIGA_PAPER, "first");
  assertEquals((await after(KDIGA_PAPER, "every")).buffers, once.buffers);
  const separate = { ...KDIGA_PAPER, separatePasses: true };
  assertEquals((await after(separate, "first")).buffers, once.buffers);
  const twice = await after(separate, "every");
  for (const [name, { data }] of Object.entries(buffers)) {
    data.forEach((m0, i) => {
      const m1 = once.buffers[name]!.data[i]!;
      assertAlmostEquals(twice.buffers[name]!.data[i]!, m1 + 0.9 * (m1 - m0), 1e-6);
    });
  }
  // The update itself is the same.
  for (const [name, { data }] of Object.entries(once.parameters)) {
    data.forEach((value, i) => assertAlmostEquals(twice.parameters[name]!.data[i]!, value, 1e-5));
  }
});

Deno.test("trainingStep() with the alignment term moves the student elsewhere than without", async () => {
  await using engine = await createEngine("reference");
  const { parameters } = MLP.init(rng(3));
  const after = async (weight: number) => {
    const program = engine.compile(trainingStep({
      model: MLP,
      teacher: TEACHER.logits,
      objective: { ...KDIGA_PAPER, weight },
      optimizer: { kind: "sgd", momentum: 0 },
    }));
    const outputs = await program({
      parameters,
      buffers: {},
      optimizerState: {},
      teacher: TEACHER.weights,
      x: float32([3, 4, 4, 1], rng(2).uniform(48)),
      y: int32([3], [0, 1, 1]),
      xAdv: undefined,
      learningRate: scalar(0.1),
      progress: scalar(0),
    });
    return await engine.read(outputs.parameters["fc1.weight"]!);
  };
  const [without, having] = [await after(0), await after(2)];
  const moved = Math.max(...Array.from(having.data, (value, i) => Math.abs(value - without.data[i]!)));
  assertEquals(moved > 1e-3, true, `${moved}`);
});

Deno.test("trainingStep() of KDIGA on a network with batch norm has the gradient that differences show", async () => {
  await using engine = await createEngine("reference");
  const model = createModel({ kind: "cnn", width: 2, activation: "softplus" }, { classes: 2, inputShape: [4, 4, 1] });
  const { parameters, buffers } = model.init(rng(4));
  const program = engine.compile(trainingStep({
    model,
    teacher: TEACHER.logits,
    objective: KDIGA_PAPER,
    optimizer: { kind: "sgd", momentum: 0 },
  }));
  const at = async (parameters: Readonly<Record<string, NdArray>>) => {
    const outputs = await program({
      parameters,
      buffers,
      optimizerState: {},
      teacher: TEACHER.weights,
      x: float32([6, 4, 4, 1], rng(2).uniform(96)),
      y: int32([6], [0, 1, 1, 0, 1, 0]),
      xAdv: undefined,
      learningRate: scalar(1),
      progress: scalar(0),
    });
    return await readTree(engine, { terms: outputs.terms, parameters: outputs.parameters });
  };
  const { parameters: after } = await at(parameters);
  // Two weights of each array: with a rate of 1 the gradient is what the step took away.
  for (const [name, { shape, data }] of Object.entries(parameters)) {
    for (const index of new Set([0, data.length - 1])) {
      const lossAt = async (by: number) => {
        const moved = Float32Array.from(data);
        moved[index]! += by;
        const { terms } = await at({ ...parameters, [name]: float32(shape, moved) });
        return Object.values(terms).reduce((sum, term) => sum + term.data[0]!, 0);
      };
      const h = 4e-3;
      const difference = (await lossAt(h) - await lossAt(-h)) / (2 * h);
      const gradient = data[index]! - after[name]!.data[index]!;
      assertAlmostEquals(gradient, difference, 1e-3 * Math.abs(difference) + 6e-4, `${name}[${index}]`);
    }
  }
});
