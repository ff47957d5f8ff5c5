import { assertEquals, assertLess } from "@std/assert";
import { rng } from "../../lib/core/mod.ts";
import { shapes } from "../../lib/data/mod.ts";
import { createEngine, type Engine } from "../../lib/engine/mod.ts";
import { createModel, freeze } from "../../lib/models/mod.ts";
import type { ObjectiveSpec } from "../../lib/objectives/mod.ts";
import { train } from "../../lib/training/mod.ts";
import { NATIVE_ENGINES, testOnEngines } from "../testing/engines.ts";

const STEPS = 50;
const data = shapes({ seed: 3, train: 400, test: 10, size: 12 });
const shape = { classes: 10, inputShape: data.train.imageShape };
/** Smooth: where a ReLU's input is near 0, two engines may take it for on and off, and their curves part. */
const model = createModel({ kind: "mlp", hidden: [24], activation: "softplus" }, shape);
const teacher = freeze(model, model.init(rng(9, "teacher")));

const OBJECTIVES: Readonly<Record<string, ObjectiveSpec>> = {
  natural: { kind: "natural" },
  adversarial: { kind: "adversarial", eps: "8/255", steps: 2, stepSize: "5/255" },
  kdiga: { kind: "kdiga", alpha: 0.5, temperature: 1, weight: 0.5 },
};

async function losses(engine: Engine, objective: ObjectiveSpec): Promise<number[]> {
  const found: number[] = [];
  const options = {
    name: "student",
    model,
    objective,
    optimizer: { kind: "sgd", weightDecay: 5e-4 },
    schedule: { kind: "constant", peak: 0.05 },
    epochs: 5,
    batchSize: 32,
    seed: 5,
    dataset: data.train,
    ...(objective.kind === "kdiga" ? { teacher } : {}),
  } as const;
  for await (const event of train(engine, options)) {
    if (event.kind === "step" && found.push(event.row.loss) === STEPS) break;
  }
  return found;
}

/** Losses are around 2: a few units in the last place of float32; 2.4e-7 was seen on every engine. */
const TOLERANCE = 2e-6;

for (const [name, objective] of Object.entries(OBJECTIVES)) {
  testOnEngines(`the loss curve of ${name} agrees with the reference's over ${STEPS} steps`, async (engine) => {
    await using reference = await createEngine("reference");
    const expected = await losses(reference, objective);
    const actual = await losses(engine, objective);
    assertEquals(actual.length, STEPS);
    const farthest = Math.max(...actual.map((loss, step) => Math.abs(loss - expected[step]!)));
    // A curve that stays where it was would agree with anything.
    assertLess(expected.at(-1)!, expected[0]! - 0.1);
    assertLess(farthest, TOLERANCE);
  }, NATIVE_ENGINES);
}
