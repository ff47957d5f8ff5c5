import { assertEquals } from "@std/assert";
import { float32, type NdArray } from "../../lib/core/mod.ts";
import { createEngine, readTree, type Tensor } from "../../lib/engine/mod.ts";
import type { Layer } from "../../lib/models/_layers.ts";
import { drop, layerNorm, selfAttention } from "../../lib/models/_transformer.ts";
import { assertClose } from "./_small_models.ts";

type Arrays = Record<string, NdArray>;
type At = { parameters: Record<string, Tensor>; x: Tensor; noise: Record<string, Tensor> | undefined };

/** Runs a layer in training on the reference engine. */
async function run(layer: Layer, x: NdArray, parameters: Arrays = {}, noise?: Arrays): Promise<NdArray> {
  await using engine = await createEngine("reference");
  const program = engine.compile(({ parameters, x, noise }: At) => {
    const weights = { parameters, buffers: {} };
    return { y: layer.apply(x, { weights, mode: "train", updated: undefined, noise }) };
  });
  return (await readTree(engine, await program({ parameters, x, noise }))).y;
}

Deno.test("layerNorm() gives torch.nn.LayerNorm's numbers", async () => {
  // Rows 1, 2, 3 and 0, 0, 6: means 2, variances 2/3 and 8.
  const parameters = { "n.weight": float32([3], [1, 2, 1]), "n.bias": float32([3], [0, 0, 10]) };
  const { shape, data } = await run(layerNorm("n", 3), float32([1, 2, 3], [1, 2, 3, 0, 0, 6]), parameters);
  const [r, s] = [1 / Math.sqrt(2 / 3), 1 / Math.sqrt(8)];
  assertEquals(shape, [1, 2, 3]);
  assertClose(data, [-r, 0, 10 + r, -2 * s, -4 * s, 10 + 4 * s], 0, 1e-5);
});

Deno.test("selfAttention() weighs values by the softmax of queries times keys, by heads", async () => {
  // One token per head's view: q = x, k = x, v = x of two heads of one number, two tokens.
  const identity = [1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1];
  const parameters = {
    "a.qkv.weight": float32([2, 6], identity),
    "a.qkv.bias": float32([6]),
    "a.proj.weight": float32([2, 2], [1, 0, 0, 1]),
    "a.proj.bias": float32([2], [0, 5]),
  };
  const { data } = await run(selfAttention("a", 2, 2), float32([1, 2, 2], [1, 0, 3, 2]), parameters);
  const mean = (query: number, a: number, b: number) =>
    (a * Math.exp(query * a) + b * Math.exp(query * b)) / (Math.exp(query * a) + Math.exp(query * b));
  assertClose(data, [mean(1, 1, 3), 5 + mean(0, 0, 2), mean(3, 1, 3), 5 + mean(2, 0, 2)], 0, 1e-5);
});

Deno.test("drop() makes numbers below the rate 0 and divides the others; without numbers it does nothing", async () => {
  const x = float32([2, 2], [1, 2, 3, 4]);
  const layer = drop("d", 2, 0.75);
  assertEquals(layer.draws, [{ name: "d", count: 2 }]);
  const { data } = await run(layer, x, {}, { d: float32([2, 2], [0.7, 0.75, 0.9, 0]) });
  assertEquals([...data], [0, 8, 12, 0]);
  assertEquals([...(await run(layer, x)).data], [1, 2, 3, 4]);
});

Deno.test("drop() of one part drops an image's whole branch", async () => {
  const x = float32([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
  const { shape, data } = await run(drop("d", 1, 0.5), x, {}, { d: float32([2, 1], [0.4, 0.6]) });
  assertEquals([shape, [...data]], [[2, 2, 2], [0, 0, 0, 0, 10, 12, 14, 16]]);
  assertEquals(drop("d", 1, 0).draws, undefined);
});
