import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { float32, rng } from "../../lib/core/mod.ts";
import { createEngine } from "../../lib/engine/mod.ts";
import {
  type AttackEvent,
  attackImages,
  type AttackLook,
  attackName,
  type AttackSpec,
  margins,
  runAttack,
} from "../../lib/attacks/mod.ts";
import { distances, mlp, randomBatch, rowsOf } from "./_classifiers.ts";

const engine = await createEngine("reference");
const CLASSIFIER = mlp();
const BATCH = randomBatch(CLASSIFIER, 13);
const EPS = 0.08;

async function eventsOf(spec: AttackSpec, batchSize: number, eps = EPS): Promise<AttackEvent[]> {
  const images = { count: 13, load: (positions: readonly number[]) => rowsOf(BATCH, positions) };
  return await Array.fromAsync(attackImages(engine, CLASSIFIER, images, spec, eps, rng(3), batchSize));
}

const imagesOf = (events: readonly AttackEvent[]) =>
  events.filter((event) => event.kind === "image").toSorted((a, b) => a.position - b.position);

const SPECS: readonly AttackSpec[] = [
  { kind: "fgsm" },
  { kind: "pgd", steps: 3, norm: "L2" },
  { kind: "autoattack", version: [{ kind: "fgsm", loss: "margin" }, { kind: "pgd", steps: 8, restarts: 3 }] },
];

Deno.test("attackImages() gives every image once, as runAttack() has it, in batches of any size", async () => {
  for (const spec of SPECS) {
    const result = await runAttack(engine, CLASSIFIER, BATCH, spec, EPS, rng(3));
    for (const size of [1, 4, 13, 50]) {
      const images = imagesOf(await eventsOf(spec, size));
      assertEquals(images.map(({ id }) => id), Array.from(BATCH.ids));
      assertEquals(images.flatMap(({ xAdv }) => Array.from(xAdv.data)), Array.from(result.xAdv.data));
      assertEquals(images.map(({ margin }) => margin), Array.from(result.margin));
      assertEquals(images.map(({ firstStep }) => firstStep), Array.from(result.firstStep));
    }
  }
});

Deno.test("attackImages() verifies: the margins are those of the images, which are in ball and box", async () => {
  for (const spec of SPECS) {
    const images = imagesOf(await eventsOf(spec, 5));
    const x = float32(BATCH.x.shape, images.flatMap(({ xAdv }) => Array.from(xAdv.data)));
    assertEquals(images.map(({ margin }) => margin), Array.from(await margins(engine, CLASSIFIER, { ...BATCH, x })));
    assert(distances(x, BATCH.x, spec.norm ?? "Linf").every((length) => length <= EPS + 1e-6));
  }
});

Deno.test("attackImages() tells every pass that it counts", async () => {
  for (const spec of SPECS) {
    const events = await eventsOf(spec, 5);
    const told = events.reduce((sum, event) => sum + (event.kind === "passes" ? event.passes : 0), 0);
    const counted = imagesOf(events).reduce((sum, image) => sum + image.forwardPasses + image.backwardPasses, 0);
    assertEquals(told, counted);
  }
});

Deno.test("attackImages() runs an ensemble in a row on what still stands, and says who broke the image", async () => {
  const batch = randomBatch(CLASSIFIER, 60, 2);
  const alone = async (spec: AttackSpec, name: string) =>
    await runAttack(engine, CLASSIFIER, batch, spec, 0.06, rng(3, name));
  const short = { kind: "pgd", steps: 1, relativeStepSize: 0.25, randomStart: false } as const;
  const first = await alone(short, attackName(short));
  const second = await alone({ kind: "fgsm" }, "fgsm");
  const whole: AttackSpec = { kind: "autoattack", version: [short, { kind: "fgsm" }] };
  const images = { count: 60, load: (positions: readonly number[]) => rowsOf(batch, positions) };
  const components = new Set<string | undefined>();
  for await (const event of attackImages(engine, CLASSIFIER, images, whole, 0.06, rng(3), 7)) {
    if (event.kind === "passes") continue;
    const { position: i, component, margin, forwardPasses } = event;
    const fell = first.success[i] === 1;
    assertEquals(margin, fell ? first.margin[i] : Math.min(first.margin[i]!, second.margin[i]!));
    assertEquals(forwardPasses, fell ? 3 : 3 + 2);
    if (margin < 0) assertEquals(component, fell ? attackName(short) : "fgsm");
    if (margin < 0) components.add(component);
  }
  assertEquals(components.size, 2);
});

Deno.test("attackImages() tells every look, and goes on after a success where it is watched", async () => {
  const images = { count: 13, load: (positions: readonly number[]) => rowsOf(BATCH, positions) };
  const specs = [
    { kind: "pgd", steps: 4, restarts: 2 },
    { kind: "apgd", steps: 5, restarts: 2 },
    { kind: "square", queries: 6 },
  ] as const;
  for (const spec of specs) {
    const usual = imagesOf(await eventsOf(spec, 5));
    const seen = BATCH.y.data.reduce((all) => [...all, []], [] as number[][]);
    const look = (at: AttackLook) => {
      assertEquals(seen[at.position]![at.look], undefined);
      seen[at.position]![at.look] = at.margin;
    };
    const watched = imagesOf(
      await Array.fromAsync(attackImages(engine, CLASSIFIER, images, spec, EPS, rng(3), 5, { look })),
    );
    const clean = await margins(engine, CLASSIFIER, BATCH);
    assert(usual.some(({ margin }, i) => margin < 0 && clean[i]! >= 0) && usual.some(({ margin }) => margin >= 0));
    watched.forEach(({ margin, firstStep, trial }, i) => {
      const whole = spec.kind === "square" ? 6 : 2 * (spec.steps + 1);
      assertEquals(seen[i]!.length, clean[i]! < 0 ? 0 : whole, spec.kind);
      assertAlmostEquals(margin, Math.min(clean[i]!, ...seen[i]!), 1e-5);
      if (spec.kind === "pgd" && clean[i]! >= 0) assertAlmostEquals(margin, usual[i]!.margin, 1e-5);
      // PGD goes on after a success in any case, and knows no trial.
      if (spec.kind !== "pgd") assertEquals([firstStep, trial], [usual[i]!.firstStep, usual[i]!.trial]);
      const fell = seen[i]!.findIndex((each) => each < 0);
      assertEquals(firstStep, clean[i]! < 0 ? 0 : fell === -1 ? -1 : fell % (whole / (spec.kind === "square" ? 1 : 2)));
    });
  }
});
