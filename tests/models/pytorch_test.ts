import { assertEquals } from "@std/assert";
import { float32, int32, type NdArray, sizeOf } from "../../lib/core/mod.ts";
import { createEngine, readTree } from "../../lib/engine/mod.ts";
import { createModel, fromPyTorch, type ModelSpec, toPyTorch } from "../../lib/models/mod.ts";
import golden from "../golden/pytorch_models.json" with { type: "json" };
import { assertClose, inputGradient, type Point, secondOrder } from "./_small_models.ts";

interface Pass {
  readonly logits: number[];
  readonly inputGradient: number[];
  readonly secondOrder: Record<string, [length: number, product: number]>;
  readonly buffers?: Record<string, number[]>;
}
interface Golden {
  readonly spec: ModelSpec;
  readonly inputShape: readonly [number, number, number];
  /** One number of the input gradient in so many is recorded. */
  readonly every: number;
  readonly shapes: Record<string, number[]>;
  readonly eval: Pass;
  readonly train: Pass;
}

const MODELS = golden.models as unknown as Golden[];

/** The formulas of the script in the golden file. */
function wave(name: string, shape: number[], k: number, isScale: boolean): NdArray {
  const suits = (v: number): number => {
    if (name.endsWith("running_var")) return 1 + 0.5 * v;
    if (shape.length === 1) return (isScale ? 1 : 0) + 0.3 * v;
    return v * Math.sqrt(2 / sizeOf(shape.slice(1)));
  };
  return float32(shape, Float32Array.from({ length: sizeOf(shape) }, (_, i) => suits(Math.sin(1.3 * i ** 1.1 + k))));
}
const pixels = (shape: readonly number[]) =>
  float32(shape, Float32Array.from({ length: sizeOf(shape) }, (_, i) => 0.5 + 0.5 * Math.sin(0.7 * i ** 1.2)));

for (const { spec, inputShape, every, shapes, ...passes } of MODELS) {
  const model = createModel(spec, { classes: 3, inputShape });
  const isScale = (name: string) => name.replace(/weight$/, "running_mean") in shapes && name.endsWith("weight");
  const state = Object.fromEntries(
    Object.entries(shapes).map(([name, shape], k) => [name, wave(name, shape, k, isScale(name))]),
  );
  const called = JSON.stringify(spec);

  Deno.test(`createModel() names and shapes the weights of ${called} as PyTorch does`, () => {
    const weights = fromPyTorch(state, model.shapes);
    const back = Object.fromEntries(Object.entries(toPyTorch(weights)).map(([name, { shape }]) => [name, [...shape]]));
    assertEquals(back, shapes);
  });

  for (const mode of ["eval", "train"] as const) {
    Deno.test(`createModel() gives the logits and gradients of PyTorch for ${called} in "${mode}"`, async () => {
      await using engine = await createEngine("reference");
      const inputs = {
        weights: fromPyTorch(state, model.shapes),
        x: pixels([3, ...inputShape]),
        y: int32([3], [0, 2, 1]),
      };
      const expected = passes[mode];
      const first = await readTree(engine, await engine.compile((at: Point) => inputGradient(model, mode, at))(inputs));
      assertClose(first.logits.data, expected.logits, 1e-5, 1e-6, "logits");
      assertClose(first.grad.data.filter((_, i) => i % every === 0), expected.inputGradient, 1e-4, 1e-6, "gradient");

      const second = await engine.compile((at: Point) => secondOrder(model, mode, at))(inputs);
      const { grad } = await readTree(engine, second) as unknown as { grad: Record<string, NdArray> };
      const inPyTorch = toPyTorch({ parameters: grad, buffers: {} });
      // What is exactly 0, as before batch norm, is rounding of what is not.
      const largest = Math.max(...Object.values(expected.secondOrder).map(([length]) => length));
      for (const [name, numbers] of Object.entries(expected.secondOrder)) {
        const data = Array.from(inPyTorch[name]!.data);
        const product = data.reduce((sum, value, i) => sum + value * Math.sin(i), 0);
        assertClose([Math.hypot(...data), product], numbers, 1e-3, 1e-5 + 1e-6 * largest, `second order of ${name}`);
      }

      const apply = engine.compile(({ weights, x }: Omit<Point, "y">) => model.apply(weights, x, mode));
      const { logits, buffers } = await readTree(engine, await apply(inputs));
      assertEquals(logits.data, first.logits.data);
      const kept = expected.buffers ??
        Object.fromEntries(Object.keys(model.shapes.buffers).map((name) => [name, [...state[name]!.data]]));
      assertEquals(Object.keys(buffers), Object.keys(kept));
      for (const [name, values] of Object.entries(kept)) {
        assertClose(buffers[name]!.data.slice(0, values.length), values, 1e-5, 1e-6, name);
      }
    });
  }
}

Deno.test("pytorch_models.json tells how it was made", () => {
  assertEquals(golden.origin.startsWith("PyTorch "), true);
  assertEquals(golden.script.length > 100, true);
});
