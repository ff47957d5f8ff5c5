import { assert, assertEquals, assertLessOrEqual, assertRejects } from "@std/assert";
import { type BracketRow, type EvidenceRow, parseEps, UsageError, wilson } from "../../lib/core/mod.ts";
import { createEngine, type Engine } from "../../lib/engine/mod.ts";
import { evaluate, evidenceKey, narrow, type NarrowOptions } from "../../lib/evaluation/mod.ts";
import { NATIVE_ENGINES, testOnEngines } from "../testing/engines.ts";
import { imagesFor, network } from "./_network.ts";

const engine = await createEngine("reference");
const CLASSIFIER = network();
const OTHER = network(7);
const DATASET = await imagesFor(engine, CLASSIFIER, 23);
const WHOLE = "autoattack-of-apgd-t-steps-6+fgsm-margin";
const OPTIONS: NarrowOptions = {
  networks: [{ method: "a", classifier: CLASSIFIER }, { method: "b", classifier: OTHER }],
  dataset: DATASET,
  attacks: [
    {
      attack: {
        kind: "autoattack",
        version: [{ kind: "apgd", loss: "targetedDlr", steps: 6 }, { kind: "fgsm", loss: "margin" }],
      },
    },
    { attack: { kind: "pgd", steps: 4 } },
    { attack: { kind: "fgsm" } },
  ],
  eps: ["0.1", "8/255"],
  seed: 11,
  batchSize: 4,
  isOver: () => false,
};

interface Found {
  readonly rows: EvidenceRow[];
  readonly brackets: (readonly BracketRow[])[];
  readonly isFinished: boolean;
}

async function narrowed(options: NarrowOptions, on: Engine = engine): Promise<Found> {
  const rows: EvidenceRow[] = [];
  const brackets: (readonly BracketRow[])[] = [];
  let isFinished = false;
  for await (const event of narrow(on, options)) {
    if (event.kind === "evidence") rows.push(...event.rows);
    else if (event.kind === "bracket") {
      brackets.push(event.rows);
      isFinished = event.isFinished;
    }
  }
  return { rows, brackets, isFinished };
}

async function fullRows(
  on: Engine = engine,
  found: ReadonlyMap<string, EvidenceRow> = new Map(),
): Promise<EvidenceRow[]> {
  const rows: EvidenceRow[] = [];
  for (const network of OPTIONS.networks) {
    for await (const event of evaluate(on, { ...OPTIONS, ...network, found })) {
      if (event.kind === "evidence") rows.push(...event.rows);
    }
  }
  return rows;
}

const FULL = await fullRows();
const ALL = await narrowed(OPTIONS);
const sorted = (rows: readonly EvidenceRow[]) => rows.toSorted((a, b) => evidenceKey(a) < evidenceKey(b) ? -1 : 1);
const byKey = (rows: readonly EvidenceRow[]) => new Map(rows.map((row) => [evidenceKey(row), row]));

/** The engine, and how often it was called. */
function counting(on: Engine = engine): { readonly engine: Engine; readonly calls: () => number } {
  let calls = 0;
  return {
    calls: () => calls,
    engine: {
      ...on,
      compile: (fn, options) => {
        const program = on.compile(fn, options);
        const counted = (inputs: Parameters<typeof program>[0]) => {
          calls++;
          return program(inputs);
        };
        return Object.assign(counted, { stats: program.stats, dispose: () => program.dispose() });
      },
    },
  };
}

Deno.test("narrow() ends with the worst case of evaluate() over this and smaller radii, and both ends are equal", () => {
  assertEquals(ALL.isFinished, true);
  const last = ALL.brackets.at(-1)!;
  assertEquals(last.map(({ method, eps }) => `${method} ${eps}`), [
    "a 0",
    "a 8/255",
    "a 0.1",
    "b 0",
    "b 8/255",
    "b 0.1",
  ]);
  for (const { method, norm, eps, n, finished, standing, ...ends } of last) {
    const broken = new Set(
      FULL.filter((row) => row.method === method && row.success === 1 && parseEps(row.eps) <= parseEps(eps))
        .map(({ image }) => image),
    );
    assertEquals([norm, n, finished, standing], ["Linf", 23, 23 - broken.size, 23 - broken.size]);
    const { rate, low, high } = wilson(standing, n);
    assertEquals(ends, {
      lower: rate,
      lowerLow: low,
      lowerHigh: high,
      upper: rate,
      upperLow: low,
      upperHigh: high,
    });
  }
  const counts = last.map(({ standing }) => standing);
  assert(counts[0]! > counts[1]! && counts[1]! > counts[2]! && counts[2]! > 0, counts.join());
});

Deno.test("narrow() runs the attack of fewest passes first, those of ensembles one by one, at the smallest radius first", () => {
  const order = [...new Set(ALL.rows.map(({ attack, eps }) => `${attack} ${eps}`))];
  // fgsm 3 passes, pgd-4 10, apgd-t 2 targets x 2 x 7 and more.
  assertEquals(order, [
    "clean 0",
    `${WHOLE}.fgsm-margin 8/255`,
    `${WHOLE}.fgsm-margin 0.1`,
    "fgsm 8/255",
    "fgsm 0.1",
    "pgd-4 8/255",
    "pgd-4 0.1",
    `${WHOLE}.apgd-t-steps-6 8/255`,
    `${WHOLE}.apgd-t-steps-6 0.1`,
  ]);
});

Deno.test("narrow() attacks no image that is broken at this or a smaller radius, and every other one", () => {
  const units = [...new Set(ALL.rows.map(({ attack, eps }) => `${attack} ${eps}`))];
  for (const { method } of OPTIONS.networks) {
    for (const image of DATASET.ids) {
      const own = ALL.rows.filter((row) => row.method === method && row.image === image);
      let broken = Infinity;
      for (const unit of units) {
        const radius = parseEps(unit.split(" ")[1]!);
        const row = own.find(({ attack, eps }) => `${attack} ${eps}` === unit);
        assertEquals(row !== undefined, broken > radius, `${image} under ${unit}`);
        if (row?.success === 1) broken = radius;
      }
    }
  }
});

Deno.test("narrow() finds what evaluate() finds of an attack, and what runs first in an ensemble", () => {
  const full = byKey(FULL);
  const alike = ALL.rows.filter(({ attack }) => !attack.endsWith(".fgsm-margin"));
  for (const row of alike) assertEquals(full.get(evidenceKey(row)), row);
  assert(alike.some(({ attack, success }) => attack.startsWith(WHOLE) && success === 0));
});

Deno.test("narrow() stopped before any call gives bounds that hold, and ends the same when it goes on", async () => {
  const { engine: counted, calls } = counting();
  await narrowed(OPTIONS, counted);
  const all = calls();
  const final = ALL.brackets.at(-1)!;
  const gained: number[] = [];
  for (let stop = 0; stop < all; stop += 1 + Math.floor(all / 16)) {
    const { engine: some, calls: made } = counting();
    const stopped = await narrowed({ ...OPTIONS, isOver: () => made() >= stop }, some);
    assertEquals(stopped.isFinished, false);
    // A batch that is done is verified; nothing else is called when the time is over.
    assertLessOrEqual(made(), stop + 3);
    gained.push(stopped.rows.length);
    for (const bracket of stopped.brackets) {
      bracket.forEach(({ finished, standing }, i) => {
        assertLessOrEqual(finished, final[i]!.finished);
        assertLessOrEqual(final[i]!.standing, standing);
      });
    }
    const rest = await narrowed({ ...OPTIONS, rows: stopped.rows });
    assertEquals(sorted([...stopped.rows, ...rest.rows]), sorted(ALL.rows), `stopped at call ${stop}`);
    assertEquals(rest.brackets.at(-1), final);
  }
  assertEquals(gained, gained.toSorted((a, b) => a - b));
  assertEquals(gained[0], 0);
});

Deno.test("narrow() draws the bounds together, and never apart", () => {
  const all = ALL.brackets;
  all.slice(1).forEach((bracket, k) => {
    bracket.forEach(({ finished, standing }, i) => {
      assert(finished >= all[k]![i]!.finished && standing <= all[k]![i]!.standing);
    });
  });
  const [first] = all;
  assert(first!.some(({ finished, standing }) => finished === 0 && standing > 0));
});

Deno.test("evaluate() takes over what narrow() found, calls less, and gives the bits of an evaluation without it", async () => {
  const { engine: counted, calls } = counting();
  assertEquals(await fullRows(counted), FULL);
  const without = calls();
  for (const share of [0.2, 0.55, 1]) {
    const kept = ALL.rows.slice(0, Math.floor(share * ALL.rows.length));
    const before = calls();
    assertEquals(await fullRows(counted, byKey(kept)), FULL, `${share} of the rows`);
    if (share > 0.5) assert(calls() - before < without, `${calls() - before} calls for ${without}`);
  }
});

Deno.test("narrow() needs no call for what rows of evaluate() say", async () => {
  const { engine: counted, calls } = counting();
  const { rows, isFinished, brackets } = await narrowed({ ...OPTIONS, rows: FULL }, counted);
  assertEquals([rows, isFinished, calls()], [[], true, 0]);
  assertEquals(brackets.at(-1), ALL.brackets.at(-1));
});

testOnEngines(
  "narrow() on a native engine ends with the same bits wherever it was stopped, and evaluate() after it",
  async (engine) => {
    const { engine: counted, calls } = counting(engine);
    const all = await narrowed(OPTIONS, counted);
    const total = calls();
    assertEquals(all.rows.map(evidenceKey), ALL.rows.map(evidenceKey));
    const { engine: some, calls: made } = counting(engine);
    const stopped = await narrowed({ ...OPTIONS, isOver: () => made() > 0.7 * total }, some);
    assert(stopped.rows.length < all.rows.length);
    const rest = await narrowed({ ...OPTIONS, rows: stopped.rows }, engine);
    assertEquals(sorted([...stopped.rows, ...rest.rows]), sorted(all.rows));
    assertEquals(await fullRows(engine, byKey(stopped.rows)), await fullRows(engine));
  },
  NATIVE_ENGINES,
);

Deno.test("narrow() tells its progress and the bracket of the largest radius", async () => {
  const events = (await Array.fromAsync(narrow(engine, OPTIONS))).filter((event) => event.kind === "progress");
  events.slice(1).forEach(({ done }, i) => assert(done > events[i]!.done));
  assert(events.every(({ done, total }) => done <= total));
  assertEquals(events[0]!.detail, "clean; a at 0.1: 0.0 to 100.0 %");
  const { standing, upper } = ALL.brackets.at(-1)!.at(-1)!;
  assert(standing > 0);
  const percent = (100 * upper).toFixed(1);
  assertEquals(events.at(-1)!.detail, `${WHOLE}.apgd-t-steps-6 at 0.1; b at 0.1: ${percent} to ${percent} %`);
});

Deno.test("narrow() without an attack, or at radius 0 alone, asks for the clean images", async () => {
  for (const options of [{ ...OPTIONS, attacks: [], eps: [] }, { ...OPTIONS, eps: ["0"] }]) {
    const { rows, isFinished, brackets } = await narrowed(options);
    assertEquals([rows.length, isFinished, brackets.at(-1)!.length], [46, true, 2]);
  }
});

Deno.test("narrow() refuses no network, attacks of two norms, and what evaluate() refuses", async () => {
  const refuses = async (options: Partial<NarrowOptions>, message: string) => {
    const error = await assertRejects(() => narrowed({ ...OPTIONS, ...options }), UsageError) as Error;
    assertEquals(error.message, message);
  };
  await refuses({ networks: [] }, "Cannot evaluate no network: give at least one");
  await refuses(
    { attacks: [{ attack: { kind: "fgsm" } }, { attack: { kind: "fgsm", norm: "L2" } }] },
    "Cannot evaluate Linf and L2 attacks together as a radius means another thing to each: evaluate once for each norm",
  );
  await refuses({ batchSize: 0 }, "Cannot evaluate in batches of 0 images: write a positive integer");
});
