import { assertEquals } from "@std/assert";
import { float32, int32, rng, scalar } from "../../../lib/core/mod.ts";
import { createEngine, type Engine, sign, takeTree, type Tensor } from "../../../lib/engine/mod.ts";
import { tf } from "../../../lib/engine/tensorflow.ts";
import { createModel, freeze } from "../../../lib/models/mod.ts";
import { KDIGA_PAPER } from "../../../lib/objectives/mod.ts";
import { trainingStep } from "../../../lib/training/mod.ts";
import { assertClose } from "../../testing/assert_close.ts";
import { webgpuOnCpu } from "./_webgpu_on_cpu.ts";

Deno.test("webgpuGraph() writes the sign in operators that the provider has", async () => {
  await using engine = webgpuOnCpu();
  const program = engine.compile(({ x }: { x: Tensor }) => sign(x));
  const y = await engine.read(await program({ x: float32([7], [-1e30, -2, -1e-37, 0, 1e-37, 0.5, 3e38]) }));
  assertEquals([...y.data], [-1, -1, -1, 0, 1, 1, 1]);
  assertEquals(engine.graphs[0]!.nodes.map(({ op }) => op), ["HardSigmoid", "HardSigmoid", "Sub"]);
});

Deno.test("webgpuGraph() writes a sum of many as sums of two", async () => {
  await using engine = webgpuOnCpu();
  const program = engine.compile(({ xs }: { xs: Tensor[] }) => tf.addN(xs));
  const xs = [1, 20, 300, 4000].map((value) => float32([2], [value, 1]));
  const y = await engine.read(await program({ xs }));
  assertEquals([...y.data], [4321, 4]);
  assertEquals(engine.graphs[0]!.nodes.map(({ op }) => op), ["Add", "Add", "Add"]);
});

Deno.test("webgpuGraph() leaves the other operators as they are", async () => {
  await using engine = webgpuOnCpu();
  const program = engine.compile(({ x }: { x: Tensor }) => tf.exp(tf.relu(x)));
  const y = await engine.read(await program({ x: float32([2], [-1, 0]) }));
  assertEquals([...y.data], [1, 1]);
  assertEquals(engine.graphs[0]!.nodes.map(({ op }) => op), ["Relu", "Exp"]);
});

/** Operators that ONNX Runtime 1.30's WebGPU provider has a float32 kernel for, of those that a step may need. */
const PROVIDER =
  `Abs Add And ArgMax ArgMin Cast Ceil Clip Concat Conv ConvTranspose Div Equal Erf Exp Expand Floor Gather
  Gemm Greater GreaterOrEqual HardSigmoid Identity Less LessOrEqual Log MatMul Max Min Mul Not Pad Pow Reciprocal ReduceMax
  ReduceMean ReduceMin ReduceSum Relu Reshape Sigmoid Slice Softplus Split Sqrt Sub Tanh Tile Transpose Where`.split(
    /\s+/,
  );

Deno.test("a KDIGA step for webgpu is what it is for the others, in operators that the provider has", async () => {
  const shape = { classes: 3, inputShape: [16, 16, 3] } as const;
  const model = createModel({ kind: "resnet18", width: 2 }, shape);
  const teacher = freeze(model, model.init(rng(9, "teacher")));
  const { parameters, buffers } = model.init(rng(1));
  const step = async (engine: Pick<Engine, "compile" | "read">) => {
    const program = engine.compile(trainingStep({
      model,
      teacher: teacher.logits,
      objective: KDIGA_PAPER,
      optimizer: { kind: "sgd", momentum: 0.9, weightDecay: 1e-3 },
    }));
    return await takeTree(
      engine,
      await program({
        parameters,
        buffers,
        optimizerState: { velocity: parameters },
        teacher: teacher.weights,
        x: float32([8, 16, 16, 3], rng(2).uniform(8 * 16 * 16 * 3)),
        y: int32([8], [0, 1, 2, 1, 0, 0, 2, 1]),
        xAdv: undefined,
        learningRate: scalar(0.1),
        progress: scalar(0),
      }),
    );
  };
  await using engine = webgpuOnCpu();
  const { terms, optimizerState } = await step(engine);
  await using reference = await createEngine("reference");
  const expected = await step(reference);
  const tolerance = { relative: 1e-4, absolute: 1e-4 };
  for (const [name, term] of Object.entries(expected.terms)) assertClose(terms[name]!, term, tolerance, name);
  for (const [name, array] of Object.entries(expected.optimizerState["velocity"]!)) {
    assertClose(optimizerState["velocity"]![name]!, array, tolerance, name);
  }

  const others = engine.graphs[0]!.nodes.filter(({ op, domain }) => domain !== "" || !PROVIDER.includes(op));
  assertEquals(others.map(({ op }) => op), []);
});
