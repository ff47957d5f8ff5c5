import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { rng, UsageError } from "../../lib/core/mod.ts";
import { subset } from "../../lib/data/mod.ts";
import { createEngine } from "../../lib/engine/mod.ts";
import { evaluate, type WatchedNetwork, watchNetwork } from "../../lib/evaluation/mod.ts";
import { createModel, freeze } from "../../lib/models/mod.ts";
import { shapes } from "../../lib/data/mod.ts";

const engine = await createEngine("reference");
const { test: dataset } = shapes({ seed: 1, train: 20, test: 20, size: 12 });
const model = createModel({ kind: "mlp", hidden: [8] }, { classes: 10, inputShape: [12, 12, 3] });
const [classifier, teacher] = [1, 2].map((seed) => freeze(model, model.init(rng(seed)))) as [
  ReturnType<typeof freeze>,
  ReturnType<typeof freeze>,
];
const attack = { kind: "pgd", steps: 3 } as const;
type TheoryMeans = Record<
  "gapL1" | "linearity" | "teacherLinearity" | "cleanLossGap" | "attackLossGap" | "searchLossGap" | "bound" | "slack",
  number
>;
const OPTIONS = { method: "kd", classifier, dataset, attack, eps: "8/255", seed: 3, batchSize: 8 };

Deno.test("watchNetwork() counts what evaluation counts without an attack, and no more under one", async () => {
  const seen = await watchNetwork(engine, OPTIONS);
  assertEquals([seen.n, seen.attack, seen.eps, seen.bound, seen.violations], [20, "pgd-3", "8/255", "", ""]);
  let correct = 0;
  const options = { method: "kd", classifier, dataset, attacks: [], eps: [], seed: 1, batchSize: 20 };
  for await (const event of evaluate(engine, options)) {
    if (event.kind === "evidence") correct += event.rows.filter(({ margin }) => margin >= 0).length;
  }
  assertEquals(seen.cleanAccuracy, correct / 20);
  assert(seen.robustAccuracy < seen.cleanAccuracy);
});

Deno.test("watchNetwork() does not depend on its batches, and fills up the last one", async () => {
  const [first, ...others] = await Promise.all(
    [20, 8, 1].map((batchSize) => watchNetwork(engine, { ...OPTIONS, batchSize, teacher })),
  );
  for (const other of others) {
    for (const [key, value] of Object.entries(first!)) {
      const found = other[key as keyof WatchedNetwork];
      if (typeof value === "number") assertAlmostEquals(found as number, value, 1e-4 * (1 + Math.abs(value)), key);
      else assertEquals(found, value, key);
    }
  }
});

Deno.test("watchNetwork() gives means of both sides of the bound against a teacher", async () => {
  const seen = await watchNetwork(engine, { ...OPTIONS, teacher }) as WatchedNetwork & TheoryMeans;
  const { cleanLossGap, gapL1, linearity, teacherLinearity } = seen;
  assertAlmostEquals(seen.bound, cleanLossGap + 8 / 255 * gapL1 + linearity + teacherLinearity, 1e-6);
  assert(seen.slack <= seen.bound - Math.max(seen.attackLossGap, seen.searchLossGap, cleanLossGap) + 1e-9);
  const same = await watchNetwork(engine, { ...OPTIONS, teacher: classifier });
  assertEquals([same.gapL1, same.gapL2, same.cleanLossGap, same.attackLossGap, same.violations], [0, 0, 0, 0, 0]);
});

Deno.test("watchNetwork() refuses to look at nothing", async () => {
  await assertRejects(
    () => watchNetwork(engine, { ...OPTIONS, dataset: subset(dataset, []) }),
    UsageError,
    'Cannot watch "kd" on no images: use at least one',
  );
});
