import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { float32, int32 } from "../../lib/core/mod.ts";
import { createEngine, readTree, reshape, type Tensor } from "../../lib/engine/mod.ts";
import { kd, type KdSpec } from "../../lib/objectives/mod.ts";
import { INPUTS, termsAt } from "./_tiny.ts";

// Student logits (1, 2, -1), (0, 0, 3); teacher logits (2, 0, 1), (1, -1, 0); classes 0, 2. PyTorch 2.13.0:
// F.cross_entropy(zS, y), F.kl_div(log_softmax(zS / t), softmax(zT / t), reduction="batchmean" or "mean").
const CE = 0.7219675183296204;
const KL = { 1: 1.2221922874450684, 4: 0.08759082853794098 };
const KL_ELEMENT_MEAN = { 1: 0.40739741921424866, 4: 0.02919694222509861 };

async function termsOf(spec: KdSpec): Promise<Record<string, number>> {
  await using engine = await createEngine("reference");
  // The "images" are the logits.
  const program = engine.compile(({ x, y, t }: Record<"x" | "y" | "t", Tensor>) => {
    const pair = { student: (pixels: Tensor) => reshape(pixels, [2, 3]), teacher: () => t };
    return kd.losses(pair, { x, y, xAdv: undefined }, spec, { progress: x, state: {} }).terms;
  });
  const terms = await readTree(
    engine,
    await program({
      x: float32([2, 1, 1, 3], [1, 2, -1, 0, 0, 3]),
      y: int32([2], [0, 2]),
      t: float32([2, 3], [2, 0, 1, 1, -1, 0]),
    }),
  );
  return Object.fromEntries(Object.entries(terms).map(([name, { data }]) => [name, data[0]!]));
}

Deno.test("kd is (1 - alpha) CE + alpha t^2 KL(teacher || student)", async () => {
  const terms = await termsOf({ kind: "kd", alpha: 0.25, temperature: 1 });
  assertEquals(Object.keys(terms), ["ce", "kl"]);
  assertAlmostEquals(terms.ce!, 0.75 * CE, 1e-6);
  assertAlmostEquals(terms.kl!, 0.25 * KL[1], 1e-6);
  const hot = await termsOf({ kind: "kd", alpha: 0.25, temperature: 4, klReduction: "batchMean" });
  assertAlmostEquals(hot.ce!, 0.75 * CE, 1e-6);
  assertAlmostEquals(hot.kl!, 0.25 * 16 * KL[4], 1e-6);
});

Deno.test("kd with the mean over elements is PyTorch's default reduction, 1 / C of the batch mean", async () => {
  const terms = await termsOf({ kind: "kd", alpha: 0.5, temperature: 4, klReduction: "elementMean" });
  assertAlmostEquals(terms.kl!, 0.5 * 16 * KL_ELEMENT_MEAN[4], 1e-6);
  await using engine = await createEngine("reference");
  const spec: KdSpec = { kind: "kd", alpha: 0.5, temperature: 3 };
  const batchMean = await termsAt(engine, spec, INPUTS);
  const elementMean = await termsAt(engine, { ...spec, klReduction: "elementMean" }, INPUTS);
  assertAlmostEquals(elementMean.kl!, batchMean.kl! / 3, 1e-7);
  assertEquals(elementMean.ce, batchMean.ce);
});

Deno.test("kd needs a teacher", () => {
  const pair = { student: (x: Tensor) => x, teacher: undefined };
  const batch = {} as { x: Tensor; y: Tensor; xAdv: undefined };
  assertThrows(
    () =>
      kd.losses({ ...pair, student: () => batch.x }, batch, { kind: "kd", alpha: 1, temperature: 1 }, {
        progress: batch.x,
        state: {},
      }),
    TypeError,
    "Cannot distil without a teacher: give the pair one",
  );
});
