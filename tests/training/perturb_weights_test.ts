import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { float32, int32, rng, scalar, UsageError } from "../../lib/core/mod.ts";
import { createEngine, readTree, type Tensor } from "../../lib/engine/mod.ts";
import { createModel } from "../../lib/models/mod.ts";
import { KDIGA_PAPER, type ObjectiveSpec } from "../../lib/objectives/mod.ts";
import {
  checkWeightPerturbation,
  type Named,
  perturbWeights,
  trainingStep,
  type WeightPerturbationSpec,
} from "../../lib/training/mod.ts";
import { testOnEngines } from "../testing/engines.ts";
import { CNN, TEACHER } from "./_toy.ts";

const ENGINES = ["reference", "onnxruntime", "onnxruntime on webgpu", "tensorflow"];

Deno.test("perturbWeights() moves matrices by gamma of their length along the gradient, and nothing else", async () => {
  await using engine = await createEngine("reference");
  const program = engine.compile(({ w, g }: Record<"w" | "g", Named<Tensor>>) => perturbWeights(0.1, w, g));
  const w = { a: float32([2, 1], [3, 4]), b: float32([2], [1, 1]), c: float32([1, 1], [2]) };
  const g = { a: float32([2, 1], [0, -2]), b: float32([2], [1, 1]), c: float32([1, 1], [0]) };
  const moved = await readTree(engine, await program({ w, g }));
  [3, 3.5].forEach((value, i) => assertAlmostEquals(moved["a"]!.data[i]!, value, 1e-6));
  assertEquals([moved["b"]!.data, moved["c"]!.data], [w.b.data, w.c.data]);
});

// One step of the released code of Wu et al. (AT_AWP/utils_awp.py, AdvWeightPerturb with gamma 0.5, a proxy with SGD of
// rate 0.01) on torch.nn.Linear(2, 2) and F.cross_entropy, then torch.optim.SGD(lr=0.1), PyTorch 2.13.0, float32.
testOnEngines("trainingStep() at perturbed weights takes the released code's step", async (engine) => {
  const model = createModel({ kind: "mlp", hidden: [] }, { classes: 2, inputShape: [1, 2, 1] });
  const program = engine.compile(trainingStep({
    model,
    teacher: undefined,
    objective: { kind: "natural" },
    optimizer: { kind: "sgd", momentum: 0 },
    weightPerturbation: { gamma: 0.5 },
  }));
  const outputs = await program({
    parameters: { "fc1.weight": float32([2, 2], [0.5, -0.5, 0.25, 0.75]), "fc1.bias": float32([2], [0.1, 0.2]) },
    buffers: {},
    optimizerState: {},
    teacher: undefined,
    x: float32([3, 1, 2, 1], [0.2, 0.8, 0.6, 0.1, 0.9, 0.4]),
    y: int32([3], [0, 1, 1]),
    xAdv: undefined,
    learningRate: scalar(0.1),
    progress: scalar(0),
  });
  const { terms, parameters } = await readTree(engine, outputs);
  assertAlmostEquals(terms.ce!.data[0]!, 1.1767510175704956, 1e-6);
  const weight = [0.4664691984653473, -0.4664691984653473, 0.2523614764213562, 0.7476385235786438];
  const bias = [0.06947296112775803, 0.23052705824375153];
  weight.forEach((value, i) => assertAlmostEquals(parameters["fc1.weight"]!.data[i]!, value, 1e-6));
  bias.forEach((value, i) => assertAlmostEquals(parameters["fc1.bias"]!.data[i]!, value, 1e-6));
}, ENGINES);

testOnEngines("trainingStep() with gamma 0 has the plain step's bits, with more another gradient", async (engine) => {
  const weights = CNN.init(rng(4));
  const after = async (objective: ObjectiveSpec, weightPerturbation?: WeightPerturbationSpec) => {
    const settings = { model: CNN, teacher: TEACHER.logits, objective, weightPerturbation };
    const program = engine.compile(trainingStep({ ...settings, optimizer: { kind: "sgd", momentum: 0 } }));
    const outputs = await program({
      ...weights,
      optimizerState: {},
      teacher: TEACHER.weights,
      x: float32([4, 4, 4, 1], rng(2).uniform(64)),
      y: int32([4], [0, 1, 1, 0]),
      xAdv: float32([4, 4, 4, 1], rng(3).uniform(64)),
      learningRate: scalar(0.1),
      progress: scalar(0),
    });
    const { parameters, buffers, terms } = await readTree(engine, outputs);
    return { parameters, buffers, terms };
  };
  for (const objective of [KDIGA_PAPER, { kind: "adversarial", eps: "8/255", steps: 1 }] as const) {
    const plain = await after(objective);
    assertEquals(await after(objective, { gamma: 0 }), plain);
    const moved = await after(objective, { gamma: 0.05 });
    assertEquals(moved.terms.ce!.data[0]! > plain.terms.ce!.data[0]!, true); // uphill
    assertEquals(
      moved.parameters["conv1.weight"]!.data.some((v, i) => v !== plain.parameters["conv1.weight"]!.data[i]),
      true,
    );
  }
}, ENGINES);

Deno.test("checkWeightPerturbation() refuses what cannot be meant", () => {
  checkWeightPerturbation(undefined);
  checkWeightPerturbation({ gamma: 0, from: 1 });
  const refuses = (spec: WeightPerturbationSpec, message: string) =>
    assertThrows(() => checkWeightPerturbation(spec), UsageError, message);
  refuses({ gamma: -1 }, "Cannot perturb weights by -1 of their length: write 0 or more, such as 0.01");
  refuses({ gamma: 1, from: 2 }, "Cannot perturb weights from 2 of training on: write a share from 0 to 1");
});
