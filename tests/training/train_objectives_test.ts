import { assert, assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { createEngine } from "../../lib/engine/mod.ts";
import * as objectives from "../../lib/objectives/mod.ts";
import { KDIGA_RANDOM_START, objectiveOf, type ObjectiveSpec, type OwnObjective } from "../../lib/objectives/mod.ts";
import { train, type TrainOptions } from "../../lib/training/mod.ts";
import { countingEngine } from "./_counting_engine.ts";
import { CNN, collect, NATURAL, TEACHER, TOY } from "./_toy.ts";

/** The exported presets, with two steps of their inner attacks. */
const PRESETS = Object.entries(objectives).filter(([name, value]) =>
  /^[A-Z]/.test(name) && typeof value === "object" && "kind" in value
).map(([name, value]): [string, ObjectiveSpec] => {
  const spec = value as unknown as ObjectiveSpec;
  return [name, "steps" in spec ? { ...spec, steps: Math.min(spec.steps, 2) } : spec];
});

Deno.test("train() trains for every preset, leaves nothing, and goes on with the same bits", async () => {
  await using engine = countingEngine(await createEngine("reference"));
  for (const [name, objective] of PRESETS) {
    const options: TrainOptions = {
      ...NATURAL,
      name,
      model: CNN,
      objective,
      epochs: 2,
      dataset: TOY,
      teacher: TEACHER,
      naturalTeacher: TEACHER,
      checkpointEvery: 2,
    };
    const events = await collect(train(engine, options));
    const steps = events.filter((event) => event.kind === "step");
    assertEquals(steps.length, 4, name);
    for (const { row } of steps) assertEquals(Object.keys(row.terms), [...objectiveOf(objective).termNames(objective)]);
    const [checkpoint, end] = [events.find(({ kind }) => kind === "checkpoint")!, events.at(-1)!];
    assert(checkpoint.kind === "checkpoint" && end.kind === "end");
    const again = (await collect(train(engine, { ...options, from: checkpoint.state }))).at(-1)!;
    assert(again.kind === "end");
    assertEquals(again.weights, end.weights, name);
    assertEquals(engine.alive(), 0, name);
  }
});

Deno.test("train() takes an objective that is no spec: the same functions give the same bits", async () => {
  await using engine = countingEngine(await createEngine("reference"));
  const spec = KDIGA_RANDOM_START;
  const its = objectiveOf(spec);
  const own: OwnObjective = {
    kind: "own-kdiga",
    termNames: () => its.termNames(spec),
    needs: () => ["teacher"],
    passes: () => its.passes(spec),
    check: () => {},
    perturb: (context) => its.perturb!(context, spec),
    losses: (pair, batch, _, context) => its.losses(pair, batch, spec, context),
  };
  const options: TrainOptions = { ...NATURAL, model: CNN, objective: own, epochs: 2, teacher: TEACHER };
  assertEquals(await collect(train(engine, options)), await collect(train(engine, { ...options, objective: spec })));
  assertEquals(engine.alive(), 0);
  const { teacher: _, ...untaught } = options;
  await assertRejects(
    () => collect(train(engine, untaught)),
    UsageError,
    'Cannot train "natural" with the objective "own-kdiga" as it has no teacher: give one',
  );
});
