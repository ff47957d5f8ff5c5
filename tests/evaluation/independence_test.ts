/**
 * The result does not depend on batch size, order, sharding or interruption: same seed, same bits. For every kind of
 * attack, through {@linkcode evaluate}.
 *
 * @module
 */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { type EvidenceRow, rng } from "../../lib/core/mod.ts";
import { subset } from "../../lib/data/mod.ts";
import { createEngine, type Engine } from "../../lib/engine/mod.ts";
import type { AttackSpec } from "../../lib/attacks/mod.ts";
import { evaluate, evidenceKey } from "../../lib/evaluation/mod.ts";
import { NATIVE_ENGINES, testOnEngines } from "../testing/engines.ts";
import { imagesFor, network } from "./_network.ts";

/** A small attack of every kind, with random numbers where it has some; a kind without one does not compile. */
const SPECS: { readonly [K in AttackSpec["kind"]]: Extract<AttackSpec, { kind: K }> } = {
  fgsm: { kind: "fgsm" },
  pgd: { kind: "pgd", steps: 3, restarts: 2 },
  apgd: { kind: "apgd", loss: "targetedDlr", steps: 4, restarts: 2 },
  fab: { kind: "fab", steps: 4, restarts: 2 },
  ddn: { kind: "ddn", norm: "L2", steps: 6, gamma: 0.2, initialNorm: 0.15 },
  square: { kind: "square", queries: 12, restarts: 2 },
  autoattack: {
    kind: "autoattack",
    version: [{ kind: "fgsm" }, { kind: "pgd", steps: 4 }, { kind: "square", queries: 9 }],
  },
};
const CLASSIFIER = network();
const DATASET = await imagesFor(await createEngine("reference"), CLASSIFIER, 17);
const POSITIONS = Array.from(DATASET.ids.keys());
const SHUFFLED = Array.from(rng(4, "order").permutation(DATASET.ids.length));

async function rowsOf(
  engine: Engine,
  attack: AttackSpec,
  positions: readonly number[],
  batchSize: number,
  before: readonly EvidenceRow[] = [],
): Promise<EvidenceRow[]> {
  const done = new Map(before.map((row) => [evidenceKey(row), row]));
  const common = { method: "kd", classifier: CLASSIFIER, attacks: [{ attack }], eps: ["0.05", "0.1"], seed: 5 };
  const options = { ...common, dataset: subset(DATASET, positions), batchSize, done };
  const events = await Array.fromAsync(evaluate(engine, options));
  return events.flatMap((event) => event.kind === "evidence" ? event.rows : []);
}

const sorted = (rows: readonly EvidenceRow[]) => rows.toSorted((a, b) => evidenceKey(a) < evidenceKey(b) ? -1 : 1);

/** Rows at one batch size in another order, in two shards, and interrupted. */
async function otherwise(
  engine: Engine,
  attack: AttackSpec,
  batchSize: number,
): Promise<Record<string, EvidenceRow[]>> {
  const shard = (k: number) => rowsOf(engine, attack, POSITIONS.filter((i) => i % 2 === k), batchSize);
  const whole = await rowsOf(engine, attack, POSITIONS, batchSize);
  const interrupted: Record<string, EvidenceRow[]> = {};
  for (const share of [0.4, 0.8]) {
    const kept = whole.slice(0, Math.floor(share * whole.length));
    interrupted[`cut at ${share}`] = [...kept, ...await rowsOf(engine, attack, POSITIONS, batchSize, kept)];
  }
  return {
    whole,
    shuffled: await rowsOf(engine, attack, SHUFFLED, batchSize),
    "two shards": [...await shard(0), ...await shard(1)],
    ...interrupted,
  };
}

for (const [kind, attack] of Object.entries(SPECS)) {
  Deno.test(`evaluate() under ${kind}: same bits at any batch size, in any order, in shards, and after interruptions`, async () => {
    await using engine = await createEngine("reference");
    const expected = sorted(await rowsOf(engine, attack, POSITIONS, 5));
    assert(expected.some(({ success, cleanMargin }) => success === 1 && cleanMargin >= 0), "some images fall");
    assert(expected.some(({ success, attack }) => success === 0 && attack !== "clean"), "and some do not");
    for (const batchSize of [1, 3, 64]) {
      for (const [how, rows] of Object.entries(await otherwise(engine, attack, batchSize))) {
        assertEquals(sorted(rows), expected, `${how}, batches of ${batchSize}`);
      }
    }
  });
}

testOnEngines(
  "evaluate() on a native engine: same bits in any order, in shards and after interruptions, the same to rounding at any batch size",
  async (engine) => {
    for (const [kind, attack] of Object.entries(SPECS)) {
      const { whole, ...others } = await otherwise(engine, attack, 4);
      const expected = sorted(whole!);
      for (const [how, rows] of Object.entries(others)) assertEquals(sorted(rows), expected, `${kind}, ${how}`);
      for (const batchSize of [3, 64]) {
        const rows = sorted(await rowsOf(engine, attack, POSITIONS, batchSize));
        rows.forEach(({ margin, success, ...row }, i) => {
          const { margin: other, success: fell, ...same } = expected[i]!;
          assertEquals([row.image, row.attack, row.eps], [same.image, same.attack, same.eps]);
          assertAlmostEquals(margin, other, 1e-3);
          if (Math.abs(other) > 1e-3) assertEquals(success, fell);
        });
      }
    }
  },
  NATIVE_ENGINES,
);
