import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { float32, type NdArray, scalar, UsageError } from "../../lib/core/mod.ts";
import { createEngine, readTree } from "../../lib/engine/mod.ts";
import { adam, type AdamFields, type AdamSpec, type AdamWSpec } from "../../lib/training/adam.ts";
import { type Named, type Optimizer, OPTIMIZERS, type UpdateInputs } from "../../lib/training/optimizer.ts";

/** Three steps of one parameter [1, -2]: after each the parameter, and at the end the two means. */
async function threeSteps(spec: AdamSpec | AdamWSpec) {
  await using engine = await createEngine("reference");
  const optimizer = OPTIMIZERS[spec.kind] as Optimizer<AdamSpec | AdamWSpec>;
  const program = engine.compile((inputs: UpdateInputs) => optimizer.update(spec, inputs));
  let parameters: Named<NdArray> = { w: float32([2], [1, -2]) };
  let optimizerState = optimizer.init(spec, parameters);
  const parameter: number[][] = [];
  for (const gradient of [[0.5, -1], [0.25, 0.5], [-1, 2]]) {
    const gradients = { w: float32([2], gradient) };
    const outputs = await program({ parameters, optimizerState, gradients, learningRate: scalar(0.1) });
    ({ parameters, optimizerState } = await readTree(engine, outputs));
    parameter.push([...parameters.w!.data]);
  }
  const means = [[...optimizerState.mean!.w!.data], [...optimizerState.square!.w!.data]];
  return { parameter, means, ones: Object.values(optimizerState.ones!).map(({ data }) => data[0]!) };
}

function assertClose(actual: number[][], expected: number[][]): void {
  assertEquals(actual.map((row) => row.length), expected.map((row) => row.length));
  actual.flat().forEach((value, i) => assertAlmostEquals(value, expected.flat()[i]!, 1e-6));
}

const SETTINGS: AdamFields = { betas: [0.8, 0.9], epsilon: 1e-3, weightDecay: 0.01 };

// torch.optim.Adam([p], lr=0.1, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.01), then AdamW, PyTorch 2.13.0, float32,
// p = [1, -2], gradients [0.5, -1], [0.25, 0.5], [-1, 2]; exp_avg and exp_avg_sq of the state.
Deno.test("adam takes the steps of torch.optim.Adam, decay added to the gradient", async () => {
  const { parameter, means, ones } = await threeSteps({ kind: "adam", ...SETTINGS });
  assertClose(parameter, [
    [0.9001957178115845, -1.9000979661941528],
    [0.8073558211326599, -1.8763881921768188],
    [0.8349179625511169, -1.9281656742095947],
  ]);
  assertClose(means, [[-0.09166498482227325, 0.34264707565307617], [0.12549728155136108, 0.4976244568824768]]);
  assertClose([ones], [[1 - 0.8 ** 3, 1 - 0.9 ** 3]]);
});

Deno.test("adamw takes the steps of torch.optim.AdamW, decay apart from the gradient", async () => {
  const { parameter, means } = await threeSteps({ kind: "adamw", ...SETTINGS });
  assertClose(parameter, [
    [0.8991996049880981, -1.8980998992919922],
    [0.8057062029838562, -1.874806523323059],
    [0.8337228894233704, -1.9258114099502563],
  ]);
  assertClose(means, [[-0.09599999338388443, 0.35199999809265137], [0.12587499618530273, 0.5034999847412109]]);
});

// torch.optim.Adam([p], lr=0.1), otherwise as above: at the first step 1 - 0.999 must keep its digits in float32.
Deno.test("adam has the defaults of torch.optim.Adam", async () => {
  const { parameter } = await threeSteps({ kind: "adam" });
  assertClose(parameter, [
    [0.9000000357627869, -1.899999976158142],
    [0.806782066822052, -1.8733662366867065],
    [0.82741779088974, -1.9190994501113892],
  ]);
});

Deno.test("adam.init() refuses specs that cannot be meant", () => {
  const refuses = (spec: AdamFields, message: string) =>
    assertThrows(() => adam.init({ kind: "adam", ...spec }, { w: float32([1]) }), UsageError, message);
  refuses({ betas: [0.9, 1] }, "Cannot use the betas [0.9, 1]: write two numbers of at least 0 and below 1");
  refuses({ epsilon: 0 }, "Cannot use the epsilon 0: write a positive number such as 1e-8");
  refuses({ weightDecay: -1 }, "Cannot use the weight decay -1: it must be 0 or more");
});
