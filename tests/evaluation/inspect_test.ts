import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { rng, type TeacherRow, UsageError } from "../../lib/core/mod.ts";
import { gather, shapes, subset } from "../../lib/data/mod.ts";
import { createEngine } from "../../lib/engine/mod.ts";
import { inputGradients, inspect, type InspectOptions } from "../../lib/evaluation/mod.ts";
import { createModel, freeze } from "../../lib/models/mod.ts";

const engine = await createEngine("reference");
const { test: dataset } = shapes({ seed: 1, train: 20, test: 20, size: 12 });
const model = createModel({ kind: "mlp", hidden: [8] }, { classes: 10, inputShape: [12, 12, 3] });
const [teacher, student] = [1, 2].map((seed) => freeze(model, model.init(rng(seed)))) as [
  ReturnType<typeof freeze>,
  ReturnType<typeof freeze>,
];
const OPTIONS: InspectOptions = {
  method: "teacher",
  teacher,
  students: new Map([["kd", student], ["same", teacher]]),
  dataset,
  attacks: [{ kind: "pgd", steps: 3 }, { kind: "fgsm" }],
  eps: "8/255",
  seed: 3,
  batchSize: 20,
  linearity: { steps: 2, starts: 1 },
};

async function inspected(change: Partial<InspectOptions> = {}) {
  const events = await Array.fromAsync(inspect(engine, { ...OPTIONS, ...change }));
  const end = events.at(-1)!;
  assert(end.kind === "end");
  return end;
}

const valueOf = (rows: readonly TeacherRow[], images: string, source: string, quantity: string) =>
  rows.find((row) => row.images === images && row.source === source && row.quantity === quantity)!.value;

Deno.test("inspect() asks the teacher on clean images, on its own adversarial ones, and on those of students", async () => {
  const { rows, bins } = await inspected();
  assertEquals([...new Set(rows.map(({ images, source, eps }) => `${images} ${source} ${eps}`))], [
    ...["clean  0", "pgd-3  8/255", "fgsm  8/255", "pgd-3 kd 8/255", "pgd-3 same 8/255", "clean  8/255"],
  ]);
  for (const quantity of ["accuracy", "ece", "confidence", "entropy"]) {
    // An attack on a student that is the teacher is the attack on the teacher.
    assertEquals(valueOf(rows, "pgd-3", "same", quantity), valueOf(rows, "pgd-3", "", quantity));
  }
  assert(valueOf(rows, "pgd-3", "", "accuracy") <= valueOf(rows, "pgd-3", "kd", "accuracy"));
  for (const kind of ["clean", "fgsm"]) {
    const own = bins.filter(({ images }) => images === kind);
    assertEquals(own.reduce((sum, { n }) => sum + n, 0), 20);
    const ece = own.reduce((sum, bin) => sum + bin.n * Math.abs(bin.accuracy - bin.confidence), 0) / 20;
    assertAlmostEquals(ece, valueOf(rows, kind, "", "ece"), 1e-12);
  }
  const { gradient } = await inputGradients(engine, teacher, gather(dataset, Array.from({ length: 20 }, (_, i) => i)));
  const l1 = gradient.data.reduce((sum, value) => sum + Math.abs(value), 0) / 20;
  assertAlmostEquals(valueOf(rows, "clean", "", "gradient-l1"), l1, 1e-5);
});

Deno.test("inspect() does not depend on its batches", async () => {
  const [whole, parts] = [await inspected(), await inspected({ batchSize: 8 })];
  whole.rows.forEach(({ value, ...row }, i) => {
    assertAlmostEquals(parts.rows[i]!.value, value, 1e-4 * (1 + Math.abs(value)), JSON.stringify(row));
  });
});

Deno.test("inspect() refuses what it cannot use", async () => {
  const refuses = (change: Partial<InspectOptions>, message: string) =>
    assertRejects(() => inspected(change), UsageError, message);
  await refuses({ dataset: subset(dataset, [0]) }, 'Cannot inspect "teacher" on 1 images: use at least two');
  await refuses({ attacks: [] }, 'Cannot inspect "teacher" without an attack: name one, such as pgd-20');
  await refuses(
    { attacks: [{ kind: "pgd", steps: 3, norm: "L2" }] },
    'Cannot inspect "teacher" under pgd-3-l2: attack in Linf',
  );
  await refuses({ eps: "0" }, 'Cannot inspect "teacher" at radius 0: write one above');
});
