import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { float32, type NdArray, scalar, UsageError } from "../../lib/core/mod.ts";
import { createEngine, readTree } from "../../lib/engine/mod.ts";
import { type Named, OPTIMIZERS, sgd, type SgdSpec, type UpdateInputs } from "../../lib/training/mod.ts";

/** Three steps of one parameter [1, -2] with given gradients; the parameter and the velocity after each. */
async function threeSteps(spec: SgdSpec): Promise<{ parameter: number[][]; velocity: number[][] }> {
  await using engine = await createEngine("reference");
  const program = engine.compile((inputs: UpdateInputs) => OPTIMIZERS[spec.kind].update(spec, inputs));
  let parameters: Named<NdArray> = { w: float32([2], [1, -2]) };
  let optimizerState = sgd.init(spec, parameters);
  const parameter: number[][] = [];
  const velocities: number[][] = [];
  for (const gradient of [[0.5, -1], [0.25, 0.5], [-1, 2]]) {
    const gradients = { w: float32([2], gradient) };
    const outputs = await readTree(
      engine,
      await program({ parameters, optimizerState, gradients, learningRate: scalar(0.1) }),
    );
    ({ parameters, optimizerState } = outputs);
    parameter.push([...parameters.w!.data]);
    velocities.push([...optimizerState.velocity?.w?.data ?? []]);
  }
  return { parameter, velocity: velocities };
}

function assertClose(actual: number[][], expected: number[][]): void {
  assertEquals(actual.map((row) => row.length), expected.map((row) => row.length));
  actual.flat().forEach((value, i) => assertAlmostEquals(value, expected.flat()[i]!, 1e-6));
}

// torch.optim.SGD([p], lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=...), PyTorch 2.13.0, float32,
// p = [1, -2], gradients [0.5, -1], [0.25, 0.5], [-1, 2].
Deno.test("sgd takes the steps of torch.optim.SGD with momentum and weight decay", async () => {
  const { parameter, velocity } = await threeSteps({ kind: "sgd", momentum: 0.9, weightDecay: 0.01 });
  assertClose(parameter, [
    [0.9490000009536743, -1.8980000019073486],
    [0.8771510124206543, -1.8543020486831665],
    [0.9116097688674927, -2.0131194591522217],
  ]);
  assertClose(velocity, [
    [0.5099999904632568, -1.0199999809265137],
    [0.7184900045394897, -0.4369799792766571],
    [-0.34458744525909424, 1.5881750583648682],
  ]);
});

Deno.test("sgd takes the steps of torch.optim.SGD with Nesterov's momentum", async () => {
  const { parameter, velocity } = await threeSteps({ kind: "sgd", momentum: 0.9, weightDecay: 0.01, nesterov: true });
  assertClose(parameter, [
    [0.9031000137329102, -1.8062000274658203],
    [0.8125741481781006, -1.8151482343673706],
    [0.9428697228431702, -2.1563785076141357],
  ]);
  assertClose(velocity, [
    [0.5099999904632568, -1.0199999809265137],
    [0.7180309891700745, -0.4360619783401489],
    [-0.34564638137817383, 1.5893926620483398],
  ]);
});

Deno.test("sgd without momentum keeps no velocity and steps by -lr g", async () => {
  const { parameter, velocity } = await threeSteps({ kind: "sgd", momentum: 0 });
  assertClose(parameter, [[0.95, -1.9], [0.925, -1.95], [1.025, -2.15]]);
  assertEquals(velocity, [[], [], []]);
});

Deno.test("sgd decays every parameter but those that noDecay names", async () => {
  await using engine = await createEngine("reference");
  const spec: SgdSpec = { kind: "sgd", momentum: 0, weightDecay: 0.5, noDecay: ["\\.bias$"] };
  const parameters = { "fc.weight": float32([1], [1]), "fc.bias": float32([1], [1]) };
  const gradients = { "fc.weight": float32([1]), "fc.bias": float32([1]) };
  assertEquals(sgd.init(spec, parameters), {});
  const program = engine.compile((inputs: UpdateInputs) => sgd.update(spec, inputs).parameters);
  const after = await readTree(
    engine,
    await program({ parameters, gradients, optimizerState: {}, learningRate: scalar(0.5) }),
  );
  assertEquals([...after["fc.weight"]!.data], [0.75]); // 1 - 0.5 * (0 + 0.5 * 1)
  assertEquals([...after["fc.bias"]!.data], [1]);
});

Deno.test("sgd multiplies the learning rate by the factor of the first pattern that matches", async () => {
  await using engine = await createEngine("reference");
  const learningRates = [{ match: "layer1.0.*", factor: 0.5 }, { match: "layer1.*", factor: 0.25 }];
  const spec: SgdSpec = { kind: "sgd", momentum: 0, learningRates };
  const all = (value: number) =>
    Object.fromEntries(["layer1.0.w", "layer1.1.w", "layer10.w"].map((name) => [name, float32([1], [value])]));
  const program = engine.compile((inputs: UpdateInputs) => sgd.update(spec, inputs).parameters);
  const inputs = { parameters: all(1), gradients: all(1), optimizerState: {}, learningRate: scalar(0.5) };
  const after = await readTree(engine, await program(inputs));
  assertEquals(Object.values(after).map(({ data }) => data[0]), [0.75, 0.875, 0.5]);
});

Deno.test("sgd.init() keeps no velocity of what is frozen; the last pattern that matches counts", () => {
  const parameters = { "conv1.w": float32([1]), "layer1.w": float32([2]), "fc.w": float32([3]) };
  const kept = (...frozen: string[]) => Object.keys(sgd.init({ kind: "sgd", frozen }, parameters).velocity!);
  assertEquals(kept("layer1.*"), ["conv1.w", "fc.w"]);
  assertEquals(kept("*", "!fc.*"), ["fc.w"]);
  assertEquals(kept("*", "!fc.*", "!*1.w", "conv1.*"), ["layer1.w", "fc.w"]);
});

Deno.test("sgd starts from a velocity of zeros of each parameter's shape", () => {
  assertEquals(sgd.init({ kind: "sgd" }, { a: float32([2, 1], [1, 2]), b: float32([]) }), {
    velocity: { a: float32([2, 1]), b: float32([]) },
  });
});

Deno.test("sgd.init() refuses specs that cannot be meant", () => {
  const parameters = { "fc.weight": float32([1]) };
  const refuses = (spec: Omit<SgdSpec, "kind">, message: string) =>
    assertThrows(() => sgd.init({ kind: "sgd", ...spec }, parameters), UsageError, message);
  refuses({ momentum: 1 }, "Cannot use the momentum 1: it must be at least 0 and below 1");
  refuses({ weightDecay: -1 }, "Cannot use the weight decay -1: it must be 0 or more");
  refuses({ momentum: 0, nesterov: true }, "Cannot use Nesterov's step without momentum: set momentum above 0");
  refuses(
    { noDecay: ["bn"] },
    `Cannot exempt "bn" from weight decay as it matches no parameter: names are like "fc.weight"`,
  );
  refuses(
    { frozen: ["!layer9.*"] },
    'Cannot use the pattern "layer9.*" as it matches no parameter: names are like "fc.weight"',
  );
  refuses(
    { learningRates: [{ match: "head.*", factor: 1 }] },
    'Cannot use the pattern "head.*" as it matches no parameter: names are like "fc.weight"',
  );
  refuses(
    { learningRates: [{ match: "fc.*", factor: 0 }] },
    'Cannot use 0 as the factor of the learning rate of "fc.*": write a positive number, or freeze it',
  );
  refuses({ frozen: ["*"] }, 'Cannot train with every parameter frozen: take some out, such as "!fc.*"');
  refuses({ noDecay: ["("] }, `Cannot read "(" as a regular expression: mend the pattern of noDecay`);
});
