import { assert, assertAlmostEquals, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { DataError, float32, meanInterval, type MeasurementRow, rng, UsageError } from "../../lib/core/mod.ts";
import { gather, subset } from "../../lib/data/mod.ts";
import { createEngine } from "../../lib/engine/mod.ts";
import {
  analyze,
  type AnalyzeOptions,
  inputGradients,
  localLinearity,
  summarizeAnalysis,
} from "../../lib/evaluation/mod.ts";
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

async function measured(options: AnalyzeOptions, batches = Infinity): Promise<MeasurementRow[]> {
  const rows: MeasurementRow[] = [];
  let done = 0;
  for await (const event of analyze(engine, options)) {
    if (event.kind === "measurements") rows.push(...event.rows);
    else {
      assert(event.done > done && event.done <= event.total, "progress goes forward");
      done = event.done;
      if (--batches === 0) return rows;
      if (event.done === event.total) done = Infinity;
    }
  }
  assert(done === Infinity || rows.length === 0, "progress ends at its total");
  return rows;
}

const rowsOf = async (options: AnalyzeOptions) => summarizeAnalysis(await measured(options));

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

Deno.test("analyze() goes on after the rows that exist, wherever it was stopped, and gives the same bits", async () => {
  const options = { ...OPTIONS, teacher: network(7) };
  const whole = await measured(options);
  assertEquals(whole.length, 22);
  for (const kept of [0, 1, 4, 9, 11, 13, 21, 22]) {
    const done = whole.slice(0, kept);
    assertEquals([...done, ...await measured({ ...options, done })], whole, `after ${kept} rows`);
  }
  // Rows of another network count for nothing.
  const others = whole.map((row) => ({ ...row, method: "kd" }));
  assertEquals(await measured({ ...options, done: others }), whole);
  assertEquals(await measured(options, 2), whole.slice(0, 8));
});

Deno.test("analyze() refuses a teacher or data of another shape, and measurements that are not finite", async () => {
  const message = async (options: Partial<AnalyzeOptions>) =>
    (await assertRejects(() => measured({ ...OPTIONS, ...options }), DataError) as Error).message;
  const teacher = { ...STUDENT, inputShape: [4, 4, 1] } as const;
  assertMatch(await message({ teacher }), /^Cannot compare "kdiga", .* with a teacher that takes images of \[4,4,1\]/);
  const { parameters } = STUDENT.weights;
  const broken = { ...STUDENT.weights, parameters: { ...parameters, w2: float32([8, 3], Array(24).fill(NaN)) } };
  assertMatch(
    await message({ classifier: { ...STUDENT, weights: broken }, eps: ["0"] }),
    /^Cannot analyse "kdiga" as its crossEntropy is NaN at image 1000 and eps 0: use a network whose loss is finite there$/,
  );
});

Deno.test("analyze() refuses one image", async () => {
  const error = await assertRejects(() => rowsOf({ ...OPTIONS, dataset: subset(DATASET, [0]) }), UsageError) as Error;
  assertEquals(error.message, 'Cannot analyse "kdiga" on 1 images: use at least two');
});
