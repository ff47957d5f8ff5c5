import { assertEquals, assertThrows } from "@std/assert";
import { float32, rng, UsageError } from "../../lib/core/mod.ts";
import { createEngine, type Tensor } from "../../lib/engine/mod.ts";
import { createMlp, type MlpSpec, type Weights } from "../../lib/models/mod.ts";

Deno.test("createMlp() has a layer per entry of hidden and one more", () => {
  const { shapes } = createMlp({ kind: "mlp", hidden: [7, 5] }, { classes: 4, inputShape: [2, 3, 1] });
  assertEquals(shapes, {
    parameters: {
      "fc1.weight": [6, 7],
      "fc1.bias": [7],
      "fc2.weight": [7, 5],
      "fc2.bias": [5],
      "fc3.weight": [5, 4],
      "fc3.bias": [4],
    },
    buffers: {},
  });
});

Deno.test("createMlp() begins with weights and biases uniform within 1 / sqrt(inputs)", () => {
  const model = createMlp({ kind: "mlp", hidden: [50] }, { classes: 2, inputShape: [10, 10, 1] });
  const { parameters } = model.init(rng(1));
  for (const [name, bound] of [["fc1.weight", 0.1], ["fc1.bias", 0.1], ["fc2.weight", 1 / Math.sqrt(50)]] as const) {
    const { data } = parameters[name]!;
    const variance = Array.from(data).reduce((sum, value) => sum + value ** 2, 0) / data.length;
    const largest = Math.max(...Array.from(data, Math.abs));
    assertEquals([name, largest <= bound, largest > 0.9 * bound], [name, true, true]);
    // Variance of U(-b, b): b^2 / 3. Three standard errors of n uniform squares: 3 * sqrt(0.8 / n).
    assertEquals(Math.abs(variance / (bound ** 2 / 3) - 1) < 3 * Math.sqrt(0.8 / data.length), true);
  }
});

Deno.test("createMlp() without hidden layers is x W + b, after the normalisation", async () => {
  await using engine = await createEngine("reference");
  const spec: MlpSpec = { kind: "mlp", hidden: [], mean: [0.5], std: [0.25] };
  const model = createMlp(spec, { classes: 2, inputShape: [1, 2, 1] });
  const parameters = { "fc1.weight": float32([2, 2], [1, 2, 3, 4]), "fc1.bias": float32([2], [10, 20]) };
  const ask = engine.compile(({ weights, x }: { weights: Weights<Tensor>; x: Tensor }) => model.logits(weights, x));
  // (1 - 0.5) / 0.25 = 2, (0.25 - 0.5) / 0.25 = -1
  const logits = await ask({ weights: { parameters, buffers: {} }, x: float32([1, 1, 2, 1], [1, 0.25]) });
  assertEquals([...(await engine.read(logits)).data], [2 - 3 + 10, 4 - 4 + 20]);
});

Deno.test("createMlp() refuses hidden layers that are no counts", () => {
  for (const hidden of [[8, 0], [1.5], 8, undefined]) {
    assertThrows(
      () => createMlp({ kind: "mlp", hidden } as unknown as MlpSpec, { classes: 2, inputShape: [4, 4, 1] }),
      UsageError,
      `Cannot make the model "mlp" with hidden = ${JSON.stringify(hidden)}: ` +
        "it needs a list of integers of 1 or more, such as [64, 64] or []",
    );
  }
});
