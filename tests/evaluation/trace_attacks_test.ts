import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { type ConvergenceRow, UsageError, wilson } from "../../lib/core/mod.ts";
import type { Dataset } from "../../lib/data/mod.ts";
import { createEngine } from "../../lib/engine/mod.ts";
import { evaluate, traceAttacks, type TraceAttacksOptions } from "../../lib/evaluation/mod.ts";
import { linear } from "../attacks/_classifiers.ts";
import { imagesFor, network } from "./_network.ts";

const engine = await createEngine("reference");

async function traced(options: TraceAttacksOptions): Promise<ConvergenceRow[]> {
  const events = await Array.fromAsync(traceAttacks(engine, options));
  const progress = events.filter((event) => event.kind === "progress");
  assert(progress.every(({ done, total }) => done <= total));
  return events.flatMap((event) => event.kind === "rows" ? event.rows : []);
}

/** Margins z_0 - z_1 = w . x - 2.2 of five images inside the box: 0.16, 0.34, 0.52, 0.69, 0.87. */
const W = [3, -2, 1, 4];
const LINEAR = linear(W.map((w) => [w, 0]), [-2.2, 0]);
const BYTES = [51, 66, 81, 96, 111].map((first) => [first, 150, 150, 150]);
const PIXELS: Dataset = {
  name: "five",
  classes: ["a", "b"],
  imageShape: [1, 1, 4],
  ids: Int32Array.of(3, 5, 8, 9, 12),
  images: Uint8Array.from(BYTES.flat()),
  labels: new Int32Array(5),
};
const margin = (image: number): number => BYTES[image]!.reduce((sum, byte, i) => sum + W[i]! * byte / 255, -2.2);

Deno.test("traceAttacks() gives the closed form of PGD on a linear network, look by look", async () => {
  const attack = { kind: "pgd", steps: 4, relativeStepSize: 0.5, randomStart: false } as const;
  const rows = await traced({
    method: "linear",
    classifier: LINEAR,
    dataset: PIXELS,
    attacks: [attack],
    eps: "0.1",
    seed: 1,
    batchSize: 2,
  });
  assertEquals(rows.map(({ looks }) => looks), [0, 1, 2, 3, 4, 5]);
  for (const { looks, margins, ...row } of rows) {
    // The clean image twice, as it is the start, then steps of eps / 2 to the border of the ball.
    const moved = Math.min(Math.max(looks - 1, 0), 2) * 0.05 * 10;
    assertEquals(row.attack, "pgd-4-relative-step-0.5-from-clean");
    const left = [0, 1, 2, 3, 4].filter((image) => margin(image) >= moved).length;
    assertEquals([row.method, row.eps, row.n, row.correct], ["linear", "0.1", 5, left]);
    assertEquals([row.rate, row.low, row.high], Object.values(wilson(left, 5)));
    // Shares of 0.05 and 0.95 lie a fifth of the way from an end to its neighbour.
    const [first, second, third, fourth, fifth] = [0, 1, 2, 3, 4].map((image) => margin(image) - moved);
    const expected = [first! + 0.2 * (second! - first!), second!, third!, fourth!, fifth! - 0.2 * (fifth! - fourth!)];
    margins.forEach((value, i) => assertAlmostEquals(value, expected[i]!, 1e-5));
  }
  assertEquals(rows.map(({ correct }) => correct), [5, 5, 3, 0, 0, 0]);
});

Deno.test("traceAttacks() ends where evaluate() ends, falls along the way, and does not depend on the batch", async () => {
  const classifier = network();
  const dataset = await imagesFor(engine, classifier, 21);
  const attacks = [
    { kind: "fgsm" },
    { kind: "pgd", steps: 3, restarts: 2 },
    { kind: "apgd", loss: "targetedDlr", steps: 6 },
    { kind: "apgd", norm: "L1", steps: 6 },
  ] as const;
  const options = { method: "tiny", classifier, dataset, eps: "0.1", seed: 3 };
  const rows = await traced({ ...options, attacks, batchSize: 8 });
  assertEquals(rows, await traced({ ...options, attacks, batchSize: 21 }));
  const left = new Map<string, number>();
  const judged = { ...options, attacks: attacks.map((attack) => ({ attack })), eps: ["0.1"], batchSize: 8 };
  for await (const event of evaluate(engine, judged)) {
    if (event.kind !== "evidence") continue;
    for (const { attack, success } of event.rows) left.set(attack, (left.get(attack) ?? 0) + 1 - success);
  }
  for (const [attack, correct] of left) {
    const own = rows.filter((row) => row.attack === attack);
    if (attack === "clean") continue;
    assertEquals(own.at(-1)!.correct, correct, attack);
    own.slice(1).forEach((row, k) => {
      const before = own[k]!;
      assert(row.looks === before.looks + 1 && row.correct <= before.correct);
      row.margins.forEach((value, i) => assert(value <= before.margins[i]!));
    });
  }
  const lengths = new Map(Map.groupBy(rows, ({ attack }) => attack).entries().map(([key, own]) => [key, own.length]));
  // The clean image, and of each trial the start and what every step leads to; FGSM starts at the clean image.
  assertEquals([...lengths], [["fgsm", 3], ["pgd-3-restarts-2", 9], ["apgd-t-steps-6", 15], ["apgd-ce-l1-steps-6", 8]]);
});

Deno.test("traceAttacks() refuses no image, and outputs that are random", async () => {
  const options = {
    method: "net",
    classifier: LINEAR,
    dataset: PIXELS,
    attacks: [{ kind: "fgsm" }] as const,
    eps: "8/255",
    seed: 1,
    batchSize: 2,
  };
  await assertRejects(
    () => traced({ ...options, dataset: { ...PIXELS, ids: new Int32Array() } }),
    UsageError,
    'Cannot trace attacks on "net" without an image: give one at least',
  );
  await assertRejects(
    () => traced({ ...options, classifier: { ...LINEAR, noise: () => [] } }),
    UsageError,
    'Cannot trace attacks on "net" as each look at random outputs sees another draw: leave the noise out',
  );
});
