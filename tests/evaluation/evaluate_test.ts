import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import {
  DataError,
  type EvidenceRow,
  float32,
  formatEvidence,
  int32,
  parseEvidence,
  rng,
  UsageError,
} from "../../lib/core/mod.ts";
import { type Dataset, subset } from "../../lib/data/mod.ts";
import { add, createEngine, type Engine, matMul, reshape, tanh, type Tensor } from "../../lib/engine/mod.ts";
import { type Classifier, type Weights, withInputNoise } from "../../lib/models/mod.ts";
import { type AttackSpec, margins, runAttack } from "../../lib/attacks/mod.ts";
import {
  adversarialImages,
  evaluate,
  type EvaluateOptions,
  type EvaluationEvent,
  evidenceKey,
  summarize,
} from "../../lib/evaluation/mod.ts";
import { NATIVE_ENGINES, testOnEngines } from "../testing/engines.ts";

const engine = await createEngine("reference");

const logits = ({ parameters }: Weights<Tensor>, x: Tensor): Tensor =>
  matMul(tanh(add(matMul(reshape(x, [x.shape[0]!, -1]), parameters.w1!), parameters.b1!)), parameters.w2!);

/** A random network 2x2x1 -> 8 tanh -> 3 classes. */
const CLASSIFIER: Classifier = {
  classes: 3,
  inputShape: [2, 2, 1],
  logits,
  weights: {
    parameters: {
      w1: float32([4, 8], rng(1, "w1").normal(32, 0, 1.5)),
      b1: float32([8], rng(1, "b1").normal(8, 0, 0.5)),
      w2: float32([8, 3], rng(1, "w2").normal(24)),
    },
    buffers: {},
  },
};

/** Random bytes; labels as the network would give them, but for every fifth image. */
async function imagesFor(count: number): Promise<Dataset> {
  const images = Uint8Array.from(rng(2, "images").integers(4 * count, 256));
  const program = engine.compile(({ weights, x }: { weights: Weights<Tensor>; x: Tensor }) => logits(weights, x));
  const x = float32([count, 2, 2, 1], Array.from(images, (byte) => byte / 255));
  const z = (await engine.read(await program({ weights: CLASSIFIER.weights, x }))).data;
  const labels = Int32Array.from({ length: count }, (_, i) => {
    const row = Array.from(z.slice(3 * i, 3 * i + 3));
    return (row.indexOf(Math.max(...row)) + (i % 5 === 4 ? 1 : 0)) % 3;
  });
  return {
    name: "random test",
    classes: ["a", "b", "c"],
    imageShape: [2, 2, 1],
    ids: Int32Array.from({ length: count }, (_, i) => 1000 + 7 * i),
    images,
    labels,
  };
}

const DATASET = await imagesFor(23);
const OPTIONS: EvaluateOptions = {
  method: "student",
  classifier: CLASSIFIER,
  dataset: DATASET,
  attacks: [{ attack: { kind: "fgsm" } }, { attack: { kind: "pgd", steps: 4 } }],
  eps: ["8/255", "0.1"],
  seed: 11,
  batchSize: 4,
};

async function eventsOf(options: EvaluateOptions, on: Engine = engine): Promise<EvaluationEvent[]> {
  return await Array.fromAsync(evaluate(on, options));
}

async function rowsOf(options: EvaluateOptions): Promise<EvidenceRow[]> {
  return (await eventsOf(options)).flatMap((event) => event.kind === "evidence" ? event.rows : []);
}

const ROWS = await rowsOf(OPTIONS);

Deno.test("evaluate() gives one row per image clean, and under every attack at every radius, in order", () => {
  assertEquals(ROWS.length, 23 * (1 + 2 * 2));
  assertEquals(new Set(ROWS.map(evidenceKey)).size, ROWS.length);
  const groups = ROWS.map(({ attack, eps }) => `${attack} ${eps}`);
  assertEquals([...new Set(groups)], ["clean 0", "fgsm 8/255", "fgsm 0.1", "pgd-4 8/255", "pgd-4 0.1"]);
  assertEquals(groups, Map.groupBy(groups, (group) => group).values().toArray().flat(), "groups are not interleaved");
  for (const row of ROWS) {
    const i = DATASET.ids.indexOf(row.image);
    assertEquals([row.method, row.label, row.seed], ["student", DATASET.labels[i], 11]);
    assertEquals(row.success, row.margin < 0 ? 1 : 0);
    assertEquals(row.firstStep === "", row.success === 0);
  }
});

Deno.test("evaluate() writes images that are wrong already as fallen at step 0, with their clean margin, unattacked", () => {
  const wrong = DATASET.ids.filter((_, i) => i % 5 === 4);
  const clean = ROWS.filter(({ attack }) => attack === "clean");
  assertEquals(clean.filter(({ success }) => success === 1).map(({ image }) => image), Array.from(wrong));
  for (const row of ROWS.filter(({ image }) => wrong.includes(image))) {
    assertEquals([row.success, row.firstStep, row.margin], [1, 0, row.cleanMargin]);
    assert(row.cleanMargin < 0);
  }
});

Deno.test("evaluate() reports what runAttack() does to the images that are left, and the margins of the clean ones", async () => {
  const clean = new Map(ROWS.filter(({ attack }) => attack === "clean").map((row) => [row.image, row.margin]));
  for (const row of ROWS) assertEquals(row.cleanMargin, clean.get(row.image));
  const spec: AttackSpec = { kind: "pgd", steps: 4 };
  for (const i of [0, 7, 22]) {
    const x = float32([1, 2, 2, 1], Array.from(DATASET.images.slice(4 * i, 4 * i + 4), (byte) => byte / 255));
    const batch = { x, y: int32([1], [DATASET.labels[i]!]), ids: DATASET.ids.slice(i, i + 1) };
    const result = await runAttack(engine, CLASSIFIER, batch, spec, 0.1, rng(11, "attack", "pgd-4"));
    const row = ROWS.find(({ attack, eps, image }) => attack === "pgd-4" && eps === "0.1" && image === DATASET.ids[i])!;
    assertEquals([row.margin, row.success], [result.margin[0], result.success[0]]);
    assertEquals(row.firstStep, result.firstStep[0] === -1 ? "" : result.firstStep[0]);
  }
  const fallen = ROWS.filter(({ attack, success, cleanMargin }) =>
    attack === "pgd-4" && success === 1 && cleanMargin > 0
  );
  assert(fallen.length > 3 && ROWS.some(({ attack, success }) => attack === "pgd-4" && success === 0));
});

Deno.test("evaluate() gives the same rows in batches of any size and images in any order", async () => {
  for (const batchSize of [1, 5, 23, 64]) assertEquals(await rowsOf({ ...OPTIONS, batchSize }), ROWS);
  const order = Array.from(DATASET.ids.keys()).reverse();
  const reversed: Dataset = {
    ...DATASET,
    ids: Int32Array.from(order, (i) => DATASET.ids[i]!),
    labels: Int32Array.from(order, (i) => DATASET.labels[i]!),
    images: Uint8Array.from(order.flatMap((i) => Array.from(DATASET.images.slice(4 * i, 4 * i + 4)))),
  };
  const byKey = (rows: readonly EvidenceRow[]) => rows.toSorted((a, b) => evidenceKey(a) < evidenceKey(b) ? -1 : 1);
  assertEquals(byKey(await rowsOf({ ...OPTIONS, dataset: reversed })), byKey(ROWS));
});

Deno.test("evaluate() goes on from a file cut anywhere to the very file of an uninterrupted run", async () => {
  const whole = formatEvidence(ROWS);
  for (const share of [0, 0.1, 0.35, 0.62, 0.81, 0.999]) {
    const { rows } = parseEvidence(whole.slice(0, Math.floor(share * whole.length)));
    const rest = await rowsOf({ ...OPTIONS, done: new Set(rows.map(evidenceKey)) });
    assertEquals(formatEvidence([...rows, ...rest]), whole, `cut at ${share}`);
  }
});

Deno.test("evaluate() goes on from a file whose last row is cut at any byte: complete rows are kept, the file ends the same", async () => {
  const whole = formatEvidence(ROWS);
  const last = whole.lastIndexOf("\n", whole.length - 2) + 1;
  for (let length = last; length < whole.length; length++) {
    const { rows, torn } = parseEvidence(whole.slice(0, length));
    assertEquals([rows.length, torn], [ROWS.length - 1, length > last]);
    const rest = await rowsOf({ ...OPTIONS, done: new Map(rows.map((row) => [evidenceKey(row), row])) });
    assertEquals(formatEvidence([...rows, ...rest]), whole, `cut at byte ${length}`);
  }
});

testOnEngines(
  "evaluate() gives on a native engine the rows of the reference, and the same bits when it goes on",
  async (engine) => {
    const rowsOn = async (options: EvaluateOptions) =>
      (await eventsOf(options, engine)).flatMap((event) => event.kind === "evidence" ? event.rows : []);
    const rows = await rowsOn(OPTIONS);
    const rest = (row: EvidenceRow) => ({ ...row, margin: 0, cleanMargin: 0 });
    assertEquals(rows.map(rest), ROWS.map(rest));
    rows.forEach(({ margin, cleanMargin }, i) => {
      assertAlmostEquals(margin, ROWS[i]!.margin, 1e-5);
      assertAlmostEquals(cleanMargin, ROWS[i]!.cleanMargin, 1e-5);
    });
    const whole = formatEvidence(rows);
    for (const share of [0, 0.3, 0.77]) {
      const { rows: kept } = parseEvidence(whole.slice(0, Math.floor(share * whole.length)));
      const others = await rowsOn({ ...OPTIONS, done: new Set(kept.map(evidenceKey)) });
      assertEquals(formatEvidence([...kept, ...others]), whole, `cut at ${share}`);
    }
    // Other batches give other sums of the same numbers: the rows agree to rounding.
    const other = await rowsOn({ ...OPTIONS, batchSize: 23 });
    assertEquals(other.map(rest), rows.map(rest));
    other.forEach(({ margin }, i) => assertAlmostEquals(margin, rows[i]!.margin, 1e-5));
  },
  NATIVE_ENGINES,
);

Deno.test("evaluate() composes batches as before where rows are missing in their midst", async () => {
  const done = new Set(ROWS.filter((_, i) => i % 3 !== 0).map(evidenceKey));
  assertEquals(await rowsOf({ ...OPTIONS, done }), ROWS.filter((_, i) => i % 3 === 0));
});

Deno.test("evaluate() runs nothing where all is done, and only what is missing where some is", async () => {
  const { engine: counted, calls } = countingCalls();
  assertEquals(await eventsOf({ ...OPTIONS, done: new Set(ROWS.map(evidenceKey)) }, counted), []);
  assertEquals(calls(), 0);
  // Of the last attack at the last radius one batch is missing: six batches clean, one attacked.
  const done = new Set(ROWS.slice(0, -1).map(evidenceKey));
  const events = await eventsOf({ ...OPTIONS, done }, counted);
  assertEquals(events.filter(({ kind }) => kind === "evidence"), [{ kind: "evidence", rows: ROWS.slice(-1) }]);
  // Clean margins 6; a start, four steps, the last look, the verification.
  assertEquals(calls(), 6 + 1 + 4 + 1 + 1);
});

function countingCalls(): { readonly engine: Engine; readonly calls: () => number } {
  let calls = 0;
  return {
    calls: () => calls,
    engine: {
      ...engine,
      compile: (fn, options) => {
        const program = engine.compile(fn, options);
        const counted = (inputs: Parameters<typeof program>[0]) => {
          calls++;
          return program(inputs);
        };
        return Object.assign(counted, { stats: program.stats, dispose: () => program.dispose() });
      },
    },
  };
}

Deno.test("evaluate() attacks full batches: images that are wrong leave the queue", async () => {
  const { engine: counted, calls } = countingCalls();
  await eventsOf({ ...OPTIONS, attacks: [{ attack: { kind: "fgsm" } }], eps: ["0.1"] }, counted);
  // 23 images make 6 batches; 19 of them stand and make 5, a step and a verification each.
  assertEquals(calls(), 6 + 2 * 5);
});

Deno.test("evaluate() tells its progress in passes, which end where the total is", async () => {
  const events = (await eventsOf(OPTIONS)).filter((event) => event.kind === "progress");
  const last = events.at(-1)!;
  // 19 images stand: fgsm costs 3 passes, pgd-4 6 forward and 4 backward, at two radii each.
  assertEquals(last, {
    kind: "progress",
    label: "pgd-4 at 0.1",
    done: 23 + 19 * 2 * (3 + 10),
    total: 23 + 19 * 2 * 13,
  });
  events.slice(1).forEach(({ done }, i) => assert(done > events[i]!.done));
  assertEquals(events[0], { kind: "progress", label: "clean", done: 4, total: 23 * (1 + 2 * 13) });
});

const QUEUED: EvaluateOptions = {
  ...OPTIONS,
  attacks: [
    { attack: { kind: "apgd", steps: 5, restarts: 2 } },
    { attack: { kind: "autoattack", version: [{ kind: "fgsm" }, { kind: "apgd", loss: "targetedDlr", steps: 6 }] } },
  ],
};
const QUEUED_ROWS = await rowsOf(QUEUED);

Deno.test("evaluate() gives ensembles a row for every stage, what is left after it and those before it", () => {
  const stages = ["autoattack-of-fgsm+apgd-t-steps-6.fgsm", "autoattack-of-fgsm+apgd-t-steps-6.apgd-t-steps-6"];
  const whole = "autoattack-of-fgsm+apgd-t-steps-6";
  assertEquals([...new Set(QUEUED_ROWS.map(({ attack }) => attack))], [
    "clean",
    "apgd-ce-steps-5-restarts-2",
    ...stages,
    whole,
  ]);
  let broken = 0;
  for (const row of QUEUED_ROWS.filter(({ attack }) => attack === whole)) {
    const [first, second] = stages.map((stage) =>
      QUEUED_ROWS.find(({ attack, eps, image }) => attack === stage && eps === row.eps && image === row.image)!
    );
    assertEquals({ ...row, attack: stages[1]! }, second, "the row of the ensemble is that of its last stage");
    assert(second!.margin <= first!.margin);
    if (first!.success === 1) assertEquals({ ...first, attack: stages[1]! }, second, "who fell is not attacked again");
    else if (second!.success === 1) broken++;
    const fgsm = ROWS.find(({ attack, eps, image }) => attack === "fgsm" && eps === row.eps && image === row.image)!;
    assertEquals({ ...first, attack: "fgsm" }, fgsm);
  }
  assert(broken > 0, "the second stage breaks some that the first does not");
});

Deno.test("evaluate() through the queue does not depend on batch size, nor on where it was cut", async () => {
  for (const batchSize of [7, 23]) assertEquals(await rowsOf({ ...QUEUED, batchSize }), QUEUED_ROWS);
  const whole = formatEvidence(QUEUED_ROWS);
  for (const share of [0.1, 0.55, 0.68, 0.93]) {
    const { rows } = parseEvidence(whole.slice(0, Math.floor(share * whole.length)));
    for (
      const done of [
        new Set(rows.map(evidenceKey)),
        new Map(rows.map((row) => [evidenceKey(row), row])),
      ]
    ) {
      const rest = await rowsOf({ ...QUEUED, done });
      assertEquals(formatEvidence([...rows, ...rest]), whole, `cut at ${share}`);
    }
  }
});

Deno.test("evaluate() goes on in an ensemble where it was: no stage is run again for an image that has its row", async () => {
  const { engine: counted, calls } = countingCalls();
  const last = QUEUED_ROWS.findLastIndex(({ attack }) => attack.endsWith(".apgd-t-steps-6"));
  const done = new Map(QUEUED_ROWS.slice(0, last + 1).map((row) => [evidenceKey(row), row]));
  await eventsOf({ ...QUEUED, done }, counted);
  assertEquals(calls(), 6, "the clean margins alone");
});

Deno.test("evaluate() tells the passes of the queue, and takes what was spared from the total", async () => {
  const events = (await eventsOf(QUEUED)).filter((event) => event.kind === "progress");
  events.slice(1).forEach(({ done, total }, i) => assert(done > events[i]!.done && total >= done));
  const last = events.at(-1)!;
  assertEquals(last.done, last.total);
  assertEquals(
    last.label,
    "autoattack-of-fgsm+apgd-t-steps-6 at 0.1: apgd-t-steps-6 " +
      "(3 classes: z_t - z_y is raised in place of the targeted DLR loss)",
  );
  // 2 x 6 looks forward and back; 3 and 2 targets x 7 looks; a clean and a verifying pass each.
  assertEquals(events[0]!.total, 23 * (1 + 2 * (26 + 3 + 30)));
  assert(last.total < 23 + 19 * 2 * (26 + 3 + 30));
});

const DRAWING: EvaluateOptions = {
  ...OPTIONS,
  classifier: withInputNoise(CLASSIFIER, { sigma: 0.2, draws: 9 }),
  attacks: [
    { attack: { kind: "pgd", steps: 3 } },
    {
      attack: {
        kind: "autoattack",
        version: [{ kind: "apgd", steps: 4, samples: 3 }, { kind: "apgd", loss: "dlr", steps: 4, samples: 3 }],
      },
    },
  ],
};

Deno.test("evaluate() of random outputs gives the same rows at any batch size, in any order, and after any cut", async () => {
  const events = await eventsOf(DRAWING);
  const rows = events.flatMap((event) => event.kind === "evidence" ? event.rows : []);
  assertEquals(rows.length, 23 * (1 + 2 * 4));
  assertEquals(await rowsOf({ ...DRAWING, batchSize: 23 }), rows);
  const reversed = subset(DATASET, Uint32Array.from({ length: 23 }, (_, i) => 22 - i));
  const sorted = (some: EvidenceRow[]) => some.toSorted((a, b) => evidenceKey(a) < evidenceKey(b) ? -1 : 1);
  assertEquals(sorted(await rowsOf({ ...DRAWING, dataset: reversed })), sorted(rows));
  for (const share of [0.3, 0.8]) {
    const done = new Map(rows.slice(0, Math.floor(share * rows.length)).map((row) => [evidenceKey(row), row]));
    assertEquals([...done.values(), ...await rowsOf({ ...DRAWING, done })], rows);
  }
  const told = events.filter((event) => event.kind === "progress");
  assertEquals(told.at(-1)!.done, told.at(-1)!.total);

  // The clean rows are what margins() says, and not those of the network without noise.
  const images = { x: float32([23, 2, 2, 1], Array.from(DATASET.images, (byte) => byte / 255)), ids: DATASET.ids };
  const judged = await margins(engine, DRAWING.classifier, { ...images, y: int32([23], DATASET.labels) });
  const clean = rows.filter(({ attack }) => attack === "clean");
  assertEquals(clean.map(({ margin }) => margin), Array.from(judged));
  const still = ROWS.filter(({ attack }) => attack === "clean");
  assert(clean.every(({ margin }, i) => margin !== still[i]!.margin));
  assert(
    rows.some(({ attack, firstStep }) =>
      attack === "autoattack-of-apgd-ce-steps-4-samples-3+apgd-dlr-steps-4-samples-3" && Number(firstStep) > 0
    ),
  );
});

testOnEngines(
  "evaluate() through the queue gives the same bits in any order of images and after any cut",
  async (engine) => {
    const rows = (await eventsOf(QUEUED, engine)).flatMap((event) => event.kind === "evidence" ? event.rows : []);
    rows.forEach((row, i) => {
      assertEquals([row.image, row.attack, row.eps], [
        QUEUED_ROWS[i]!.image,
        QUEUED_ROWS[i]!.attack,
        QUEUED_ROWS[i]!.eps,
      ]);
      assertEquals([row.success, row.firstStep], [QUEUED_ROWS[i]!.success, QUEUED_ROWS[i]!.firstStep]);
      assertAlmostEquals(row.margin, QUEUED_ROWS[i]!.margin, 1e-4);
    });
    const order = rng(4, "order").permutation(DATASET.ids.length);
    const shuffled = await Array.fromAsync(evaluate(engine, { ...QUEUED, dataset: subset(DATASET, order) }));
    const byKey = (some: readonly EvidenceRow[]) => some.toSorted((a, b) => evidenceKey(a) < evidenceKey(b) ? -1 : 1);
    assertEquals(byKey(shuffled.flatMap((event) => event.kind === "evidence" ? event.rows : [])), byKey(rows));
    const kept = rows.slice(0, Math.floor(0.6 * rows.length));
    const done = new Map(kept.map((row) => [evidenceKey(row), row]));
    const rest = (await eventsOf({ ...QUEUED, done }, engine))
      .flatMap((event) => event.kind === "evidence" ? event.rows : []);
    assertEquals([...kept, ...rest], rows);
  },
  NATIVE_ENGINES,
);

Deno.test("evaluate() takes radii above 1 where the norm is L1 or L2", async () => {
  const attacks = [{ attack: { kind: "apgd", norm: "L1", steps: 2 } as const }];
  const rows = await rowsOf({ ...OPTIONS, attacks, eps: ["1.5", "0"] });
  assertEquals([...new Set(rows.map(({ attack, eps }) => `${attack} ${eps}`))], [
    "clean 0",
    "apgd-ce-l1-steps-2 1.5",
    "apgd-ce-l1-steps-2 0",
  ]);
  assertEquals(summarize(rows).map(({ eps }) => eps), ["0", "0", "1.5", "0", "1.5"]);
});

Deno.test("evaluate() can be left early", async () => {
  let seen = 0;
  for await (const event of evaluate(engine, OPTIONS)) {
    if (event.kind === "evidence" && ++seen === 2) break;
  }
  assertEquals(seen, 2);
});

Deno.test("evaluate() serves no attacks, radius 0, radii written twice, and images that are all wrong", async () => {
  const clean = ROWS.filter(({ attack }) => attack === "clean");
  assertEquals(await rowsOf({ ...OPTIONS, attacks: [], eps: [] }), clean);
  const atZero = await rowsOf({ ...OPTIONS, attacks: [{ attack: { kind: "fgsm" } }], eps: ["0", "0/255"] });
  assertEquals(atZero, [...clean, ...clean.map((row) => ({ ...row, attack: "fgsm" }))]);
  const labels = DATASET.labels.map((label, i) => i % 5 === 4 ? label : (label + 1) % 3);
  const rows = await rowsOf({ ...OPTIONS, dataset: { ...DATASET, labels } });
  assertEquals(rows.length, 23 * 5);
  assert(rows.every(({ success, firstStep }) => success === 1 && firstStep === 0));
});

Deno.test("evaluate() and summarize() agree on who is left", () => {
  const table = summarize(ROWS);
  const at = (attack: string, eps: string) => table.find((row) => row.attack === attack && row.eps === eps)!.correct;
  assertEquals(at("clean", "0"), 19);
  assert(at("pgd-4", "0.1") <= at("pgd-4", "8/255") && at("pgd-4", "8/255") <= 19);
  assert(at("worst", "0.1") <= Math.min(at("fgsm", "0.1"), at("pgd-4", "0.1")));
});

Deno.test("evaluate() refuses what it cannot evaluate before it runs anything", async () => {
  const refuses = async (options: Partial<EvaluateOptions>, message: string) => {
    const error = await assertRejects(() => eventsOf({ ...OPTIONS, ...options }), UsageError) as UsageError;
    assertEquals(error.message, message);
  };
  await refuses({ batchSize: 0 }, "Cannot evaluate in batches of 0 images: write a positive integer");
  await refuses(
    { eps: [] },
    'Cannot run attacks without a radius: write eps such as ["8/255"], or leave out the attacks',
  );
  await refuses(
    { attacks: [{ attack: { kind: "fgsm" } }, { attack: { kind: "fgsm", norm: "Linf" } }] },
    'Cannot evaluate under "fgsm" twice: leave out attacks[1]',
  );
  await refuses(
    { attacks: [{ attack: { kind: "fgsm" } }, { attack: { kind: "pgd", steps: 0 } }] },
    "Cannot use attacks[1].attack.steps as it is 0: write a positive integer",
  );
  await refuses(
    { attacks: [{ attack: { kind: "pgd", steps: 3, stepSize: "20/255" } }] },
    'Cannot use attacks[0].attack.stepSize as it is "20/255" at eps 8/255, longer than the ball\'s diameter: ' +
      "write at most 16/255, or use relativeStepSize",
  );
  await refuses(
    { attacks: [{ attack: { kind: "fgsm" } }, { attack: { kind: "autoattack", version: "rand" } }] },
    "Cannot average over 20 samples of a classifier without random outputs as they would all be alike: " +
      'use another version than "rand"',
  );
  await refuses(
    { eps: ["8"] },
    'Cannot use "8" as a radius as pixels are in [0, 1]: write a value between 0 and 1; did you mean 8/255?',
  );
  await refuses(
    { dataset: { ...DATASET, ids: new Int32Array(0), labels: new Int32Array(0), images: new Uint8Array(0) } },
    'Cannot evaluate on "random test" as it has no images: use a data set with some',
  );
  await assertRejects(
    () => eventsOf({ ...OPTIONS, dataset: { ...DATASET, labels: DATASET.labels.map(() => 7) } }),
    DataError,
    "Cannot classify image 1000 as its label is 7 where the classifier has classes 0 to 2",
  );
});

testOnEngines(
  "evaluate() tells the images that its rows speak of, those that adversarialImages() makes anew",
  async (engine) => {
    const events = await eventsOf({ ...QUEUED, images: true }, engine);
    const rows = events.flatMap((event) => event.kind === "evidence" ? event.rows : []);
    const told = events.filter((event) => event.kind === "images");
    assertEquals(told.map(({ attack, eps }) => `${attack} ${eps}`), [
      "apgd-ce-steps-5-restarts-2 8/255",
      "apgd-ce-steps-5-restarts-2 0.1",
      "autoattack-of-fgsm+apgd-t-steps-6 8/255",
      "autoattack-of-fgsm+apgd-t-steps-6 0.1",
    ]);
    for (const [k, { attack: name, eps, ids, xAdv }] of told.entries()) {
      const own = rows.filter((row) => row.attack === name && row.eps === eps && row.cleanMargin >= 0);
      assertEquals(Array.from(ids), own.map(({ image }) => image));
      const making = adversarialImages(engine, {
        classifier: CLASSIFIER,
        dataset: DATASET,
        attack: QUEUED.attacks[k >> 1]!.attack,
        rows: own,
        batchSize: QUEUED.batchSize,
      });
      let step = await making.next();
      while (!step.done) step = await making.next();
      assertEquals(Array.from(xAdv.data), Array.from(step.value.xAdv.data));
    }
    // The images of a call that goes on are those that it makes, bit for bit; of the others it says nothing.
    const kept = rows.slice(0, Math.floor(0.55 * rows.length));
    const done = new Map(kept.map((row) => [evidenceKey(row), row]));
    const later = (await eventsOf({ ...QUEUED, done, images: true }, engine)).filter(({ kind }) => kind === "images");
    later.forEach((event, k) => {
      if (event.kind !== "images") return;
      const whole = told[k]!;
      for (const [row, id] of event.ids.entries()) {
        const at = whole.ids.indexOf(id);
        assertEquals(event.xAdv.data.slice(4 * row, 4 * row + 4), whole.xAdv.data.slice(4 * at, 4 * at + 4));
      }
    });
    const counts = later.map((event) => event.kind === "images" ? event.ids.length : 0);
    assert(counts[0] === 0 && counts.at(-1) === told.at(-1)!.ids.length && counts.some((n) => n > 0), counts.join());
  },
);
