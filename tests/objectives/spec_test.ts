import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { float32, type NdArray, UsageError } from "../../lib/core/mod.ts";
import { add, createEngine, square, sum, type Tensor } from "../../lib/engine/mod.ts";
import {
  AKD_PAPER,
  checkObjective,
  KDIGA_PAPER,
  objectiveOf,
  type ObjectiveSpec,
  PGD_AT,
  type TeacherRole,
} from "../../lib/objectives/mod.ts";
import { testOnEngines } from "../testing/engines.ts";
import { EACH, SPECS } from "./_specs.ts";
import {
  firstState,
  INPUTS,
  largest,
  lossesAt,
  lossGradients,
  noiseOf,
  termsAt,
  type Tiny,
  tinyLogits,
} from "./_tiny.ts";

const ENGINES = ["reference", "onnxruntime", "onnxruntime on webgpu", "tensorflow"];

testOnEngines("every objective keeps the contract", async (engine) => {
  for (const [spec, name] of EACH) {
    const comparing = objectiveOf(spec).termNames(spec).filter((term) => /^(kl|iga|igdm)/.test(term));
    const answers = await checkObjective(spec, { engine, comparing, doubling: { iga: doublingOf(spec) } });
    assertEquals(answers.filter(({ ok }) => !ok), [], name);
  }
}, ENGINES);

Deno.test("terms are above 0, but for what a discriminator loses and the student wins", async () => {
  await using engine = await createEngine("reference");
  for (const [spec, name] of EACH) {
    for (const [term, value] of Object.entries(await termsAt(engine, spec, INPUTS))) {
      assert(term === "adv" ? value < 0 : value > 0, `${term} of ${name}: ${value}`);
    }
  }
});

testOnEngines(
  "what an objective carries goes on under the same names, and no gradient goes through it",
  async (engine) => {
    const carrying = EACH.filter(([spec]) => Object.keys(firstState(spec)).length > 0);
    assertEquals([...new Set(carrying.map(([{ kind }]) => kind))], ["igam", "mtard"]);
    for (const [spec, name] of EACH) {
      const before = firstState(spec);
      const { terms, state } = await lossesAt(engine, spec, INPUTS);
      const shapes = (arrays: Readonly<Record<string, NdArray>>) =>
        Object.entries(arrays).map(([key, { shape, dtype }]) => `${key} ${dtype} [${shape}]`).sort();
      assertEquals(shapes(state), shapes(before), name);
      if (Object.keys(before).length === 0) continue;
      assertNotEquals(state, before, name);
      const next = await lossesAt(engine, spec, { ...INPUTS, student: INPUTS.naturalTeacher, state });
      for (const value of Object.values(next.terms)) assert(Number.isFinite(value), name);
      for (const [key, { data }] of Object.entries(next.state)) {
        assert(data.every((value) => Number.isFinite(value)), `${key} of ${name}`);
      }
      assertNotEquals(next.state, state, name);
      assertEquals(Object.keys(next.terms), Object.keys(terms));
      const size = (losses: { readonly state?: Readonly<Record<string, Tensor>> }) =>
        Object.values(losses.state!).map((value) => sum(square(value))).reduce((a, b) => add(a, b));
      const gradients = await lossGradients(engine, spec, "state", size, INPUTS);
      for (const [network, weights] of Object.entries(gradients)) {
        assertEquals(
          largest(weights),
          0,
          `${network}, ${name}`,
        );
      }
    }
  },
  ENGINES,
);

Deno.test("an objective has at most a forward pass more than backward passes of the student", () => {
  for (const [spec, name] of EACH) {
    const { studentForward, teacherForward, studentBackward, teacherBackward } = objectiveOf(spec).passes(spec);
    assert(studentBackward >= studentForward - 1 && teacherBackward <= teacherForward, name);
  }
});

Deno.test("an objective that needs a teacher, or perturbed images, says so", async () => {
  await using engine = await createEngine("reference");
  for (const [spec, name] of EACH) {
    const objective = objectiveOf(spec);
    const lossesOf = (pair: "alone" | "taught", batch: "clean" | "perturbed") => {
      const program = engine.compile(({ w, x, y, state, noise, progress }: {
        w: Tiny<Tensor>;
        x: Tensor;
        y: Tensor;
        state: Record<string, Tensor>;
        noise: Tensor | undefined;
        progress: Tensor;
      }) => {
        const student = (pixels: Tensor) => tinyLogits(w, pixels);
        const teachers = pair === "taught"
          ? { teacher: student, naturalTeacher: student }
          : { teacher: undefined, naturalTeacher: undefined };
        const images = { x, y, xAdv: batch === "clean" ? undefined : x };
        return objective.losses({ student, ...teachers }, images, spec, { progress, state, noise }).terms;
      });
      const { student: w, x, y } = INPUTS;
      const noise = noiseOf(spec, INPUTS.ids);
      return program({ w, x, y, state: firstState(spec), noise, progress: float32([], [0.5]) });
    };
    if (objective.needs(spec).length > 0) {
      await assertRejects(() => lossesOf("alone", "perturbed"), TypeError, "without a teacher", name);
    }
    const random = "randomStart" in spec && typeof spec.randomStart === "string";
    if (objective.perturb === undefined || random || spec.kind === "kdiga" && spec.attack === undefined) continue;
    await assertRejects(() => lossesOf("taught", "clean"), TypeError, "without perturbed images", name);
  }
});

Deno.test("objectiveOf() refuses unknown kinds and fields out of range", () => {
  const refuses = (spec: ObjectiveSpec, message: string) => assertThrows(() => objectiveOf(spec), UsageError, message);
  refuses(
    { kind: "gan" } as unknown as ObjectiveSpec,
    `Cannot train with "gan": use one of ${Object.keys(SPECS).join(", ")}`,
  );
  refuses(
    { ...PGD_AT, steps: 0 },
    "Cannot use objective.steps as it is 0: write a positive integer",
  );
  refuses({ kind: "kd", alpha: 2, temperature: 1 }, "Cannot use the alpha 2: write a share from 0 to 1");
  refuses(
    { kind: "kd", alpha: 0.5, temperature: 0 },
    "Cannot use the temperature 0: write a positive number such as 1",
  );
  refuses(
    { ...KDIGA_PAPER, weight: -1 },
    "Cannot use the alignment weight -1: write 0 or more, such as 2",
  );
  refuses(
    { ...KDIGA_PAPER, randomStart: "8" },
    `Cannot use "8" as a radius as pixels are in [0, 1]: write a value between 0 and 1; did you mean 8/255?`,
  );
});

Deno.test("OBJECTIVES says of each objective which teachers it needs", () => {
  const needs = Object.fromEntries(
    Object.values(SPECS).flat().map((spec) => [spec.kind, objectiveOf(spec).needs(spec)]),
  );
  const none: Record<string, readonly TeacherRole[]> = {
    natural: [],
    gaussianNoise: [],
    adversarial: [],
    trades: [],
    mart: [],
  };
  const both = { akd: ["teacher", "naturalTeacher"], mtard: ["teacher", "naturalTeacher"] } as const;
  const teacher = ["kd", "kdiga", "ard", "iad", "rslad", "adaad", "adaiad", "igam", "igdm", "saad"];
  assertEquals(needs, { ...none, ...both, ...Object.fromEntries(teacher.map((kind) => [kind, ["teacher"] as const])) });
  assertEquals(objectiveOf(AKD_PAPER).needs(AKD_PAPER), ["teacher"]);
});

/** By what the alignment is multiplied where every image comes twice: two released codes take no mean. */
function doublingOf(spec: ObjectiveSpec): number {
  if (spec.kind === "kdiga" && spec.scale === "releasedCode") return 2 ** -1.5;
  return spec.kind === "igam" && spec.reduction === "sum" ? 2 : 1;
}
