import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { meanInterval, rng, UsageError } from "../../lib/core/mod.ts";
import { gather, subset } from "../../lib/data/mod.ts";
import { createEngine } from "../../lib/engine/mod.ts";
import { analyze, type AnalyzeOptions, inputGradients, localLinearity } from "../../lib/evaluation/mod.ts";
import { runAttack } from "../../lib/attacks/mod.ts";
import { imagesFor, network } from "./_network.ts";

const engine = await createEngine("reference");
const STUDENT = network();
const DATASET = await imagesFor(engine, STUDENT, 11);
const OPTIONS: AnalyzeOptions = {
  method: "kdiga",
  classifier: STUDENT,
  dataset: DATASET,
  eps: ["0", "8/255"],
  seed: 4,
  batchSize: 4,
};

async function rowsOf(options: AnalyzeOptions) {
  const analysis = analyze(engine, options);
  let step = await analysis.next();
  while (!step.done) step = await analysis.next();
  return step.value;
}

Deno.test("analyze() of a student that is its teacher gives gap 0 and cosine 1 at every radius", async () => {
  const rows = await rowsOf({ ...OPTIONS, teacher: STUDENT });
  assertEquals(rows.map(({ quantity, eps, n }) => `${quantity} ${eps} ${n}`), [
    "local-linearity 0 11",
    "cross-entropy 0 11",
    "gradient-norm 0 11",
    "gradient-gap 0 11",
    "gradient-cosine 0 11",
    "local-linearity 8/255 11",
    "cross-entropy 8/255 11",
    "gradient-norm 8/255 11",
    "gradient-gap 8/255 11",
    "gradient-cosine 8/255 11",
  ]);
  for (const { quantity, mean, low, high } of rows) {
    if (quantity === "gradient-gap") assertEquals([mean, low, high], [0, 0, 0]);
    if (quantity === "gradient-cosine") { for (const value of [mean, low, high]) assertAlmostEquals(value, 1, 1e-12); }
  }
  const of = (quantity: string) => rows.filter((row) => row.quantity === quantity).map(({ mean }) => mean);
  assertEquals(of("local-linearity")[0], 0);
  assert(of("local-linearity")[1]! > 0);
  assert(of("cross-entropy")[1]! > of("cross-entropy")[0]!, "the attack raises the loss");
});

Deno.test("analyze() gives means of what its parts give, against another teacher, in batches of any size", async () => {
  const teacher = network(7);
  const rows = await rowsOf({ ...OPTIONS, teacher });
  const batch = gather(DATASET, Array.from(DATASET.ids.keys()));
  const xAdv =
    (await runAttack(engine, STUDENT, batch, { kind: "pgd", steps: 10 }, 8 / 255, rng(4, "analysis", "attack"))).xAdv;
  const [own, other] = [
    await inputGradients(engine, STUDENT, { ...batch, x: xAdv }),
    await inputGradients(engine, teacher, {
      ...batch,
      x: xAdv,
    }),
  ];
  const images = Array.from(batch.ids, (_, row) => [0, 1, 2, 3].map((i) => 4 * row + i));
  const [g, t] = [own.gradient.data, other.gradient.data];
  const expected = {
    "local-linearity": await localLinearity(engine, STUDENT, batch, 8 / 255, rng(4, "analysis")),
    "cross-entropy": own.loss,
    "gradient-norm": images.map((at) => Math.hypot(...at.map((i) => g[i]!))),
    "gradient-gap": images.map((at) => Math.hypot(...at.map((i) => g[i]! - t[i]!))),
    "gradient-cosine": images.map((at) =>
      at.reduce((sum, i) => sum + g[i]! * t[i]!, 0) /
      Math.hypot(...at.map((i) => g[i]!)) / Math.hypot(...at.map((i) => t[i]!))
    ),
  };
  for (const [quantity, values] of Object.entries(expected)) {
    const row = rows.find((row) => row.eps === "8/255" && row.quantity === quantity)!;
    const { mean, low, high } = meanInterval(values);
    for (const [found, wanted] of [[row.mean, mean], [row.low, low], [row.high, high]] as const) {
      assertAlmostEquals(found, wanted, 1e-6, quantity);
    }
  }
  assertEquals((await rowsOf(OPTIONS)).map(({ quantity }) => quantity).includes("gradient-gap"), false);
});

Deno.test("analyze() refuses one image", async () => {
  const error = await assertRejects(() => rowsOf({ ...OPTIONS, dataset: subset(DATASET, [0]) }), UsageError) as Error;
  assertEquals(error.message, 'Cannot analyse "kdiga" on 1 images: use at least two');
});
