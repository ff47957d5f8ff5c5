import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { float32, type NdArray, rng, UsageError } from "../../lib/core/mod.ts";
import { add, createEngine, readTree, square, sum, type Tensor } from "../../lib/engine/mod.ts";
import type { Classifier, Weights } from "../../lib/models/mod.ts";
import {
  AKD_PAPER,
  KDIGA_PAPER,
  objectiveOf,
  type ObjectiveSpec,
  PGD_AT,
  type TeacherRole,
} from "../../lib/objectives/mod.ts";
import { testOnEngines } from "../testing/engines.ts";
import { EACH, SPECS } from "./_specs.ts";
import {
  BATCH,
  firstState,
  INPUTS,
  largest,
  lossesAt,
  lossGradients,
  noiseOf,
  SHAPE,
  take,
  termGradients,
  termsAt,
  type Tiny,
  type TinyInputs,
  tinyLogits,
} from "./_tiny.ts";

const ENGINES = ["reference", "onnxruntime", "onnxruntime on webgpu", "tensorflow"];

async function each(check: (spec: ObjectiveSpec, term: string, name: string) => Promise<void>) {
  for (const [spec, name] of EACH) {
    for (const term of objectiveOf(spec).termNames(spec)) await check(spec, term, `${term} of ${name}`);
  }
}

testOnEngines("every objective has finite terms of the names it says, in their order", async (engine) => {
  for (const [spec, name] of EACH) {
    const terms = await termsAt(engine, spec, INPUTS);
    assertEquals(Object.keys(terms), [...objectiveOf(spec).termNames(spec)], name);
    for (const [term, value] of Object.entries(terms)) {
      assert(Number.isFinite(value), `${term} of ${name}`);
      // What a discriminator loses, the student wins.
      assert(term === "adv" ? value < 0 : value > 0, `${term} of ${name}: ${value}`);
    }
  }
}, ENGINES);

testOnEngines("every term alone moves the student and leaves the teachers", async (engine) => {
  await each(async (spec, term, name) => {
    const { student, teacher, naturalTeacher } = await termGradients(engine, spec, term, INPUTS);
    assert(largest(student) > 1e-4, `${name}: ${largest(student)}`);
    assertEquals([largest(teacher), largest(naturalTeacher)], [0, 0], name);
  });
}, ENGINES);

testOnEngines(
  "every term's directional derivative is its central difference (second order where it aligns)",
  async (engine) => {
    await each(async (spec, term, name) => {
      const { student } = await termGradients(engine, spec, term, INPUTS);
      const h = 1e-2;
      const directions = ["a", "b", "c"].map((direction) => directionOf(student, direction));
      const ends = directions.flatMap((toward) => [-h, h].map((t) => moved(INPUTS.student, toward, t)));
      const values: number[] = [];
      for (const student of ends) values.push((await termsAt(engine, spec, { ...INPUTS, student }))[term]!);
      directions.forEach((toward, i) => {
        const difference = (values[2 * i + 1]! - values[2 * i]!) / (2 * h);
        const close = 1e-3 * Math.abs(difference) + 3e-5 * Math.min(1, 10 * largest(student));
        assertAlmostEquals(dot(student, toward), difference, close, `${name} along ${i}`);
      });
    });
  },
  ENGINES,
);

testOnEngines("no term depends on the order of the images", async (engine) => {
  const permuted = take(INPUTS, [2, 0, 3, 1]);
  for (const [spec, name] of EACH) {
    const [terms, again] = [await termsAt(engine, spec, INPUTS), await termsAt(engine, spec, permuted)];
    for (const [term, value] of Object.entries(terms)) {
      assertAlmostEquals(again[term]!, value, 1e-6 * Math.max(1, Math.abs(value)), `${term} of ${name}`);
    }
  }
}, ENGINES);

testOnEngines(
  "no term changes for a doubled batch, but the alignment of two released codes, which falls by 2^1.5 or doubles",
  async (engine) => {
    const doubled = take(INPUTS, [0, 1, 2, 3, 0, 1, 2, 3]);
    for (const [spec, name] of EACH) {
      const [terms, again] = [await termsAt(engine, spec, INPUTS), await termsAt(engine, spec, doubled)];
      for (const [term, value] of Object.entries(terms)) {
        const factor = term === "iga" ? doublingOf(spec) : 1;
        assertAlmostEquals(again[term]! * factor, value, 1e-5, `${term} of ${name}`);
      }
    }
  },
  ENGINES,
);

testOnEngines(
  "what compares networks is 0, with no gradient, when student and teachers are equal and images unperturbed",
  async (engine) => {
    const { student } = INPUTS;
    const equal: TinyInputs = { ...INPUTS, teacher: student, naturalTeacher: student, xAdv: INPUTS.x };
    await each(async (spec, term, name) => {
      if (!/^(kl|iga|igdm)/.test(term)) return;
      // A cosine is 1 up to rounding.
      assertAlmostEquals((await termsAt(engine, spec, equal))[term]!, 0, 1e-6, name);
      // The gradient of the divergence is p_S - p_T, 0 up to rounding; that of the norm is made 0.
      const gradients = await termGradients(engine, spec, term, equal);
      assert(largest(gradients.student) < 2e-6, `${name}: ${largest(gradients.student)}`);
    });
  },
  ENGINES,
);

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

Deno.test("every objective takes probabilities for labels: certain ones are the classes", async () => {
  await using engine = await createEngine("reference");
  const certain = new Float32Array(12);
  BATCH.y.data.forEach((label, row) => certain[3 * row + label] = 1);
  for (const [spec, name] of EACH) {
    const [classes, probabilities] = [
      await termsAt(engine, spec, INPUTS),
      await termsAt(engine, spec, { ...INPUTS, y: float32([4, 3], certain) }),
    ];
    for (const [term, value] of Object.entries(classes)) {
      assertAlmostEquals(probabilities[term]!, value, 1e-6 * Math.max(1, Math.abs(value)), `${term} of ${name}`);
    }
  }
});

Deno.test("passes are what an objective asks of the networks, counted call by call", async () => {
  await using engine = await createEngine("reference"); // Runs what it is given at every call.
  for (const [spec, name] of EACH) {
    const objective = objectiveOf(spec);
    const calls = { student: 0, teacher: 0 };
    const counted = (who: keyof typeof calls) => (weights: Tiny<Tensor>, x: Tensor) => {
      calls[who]++;
      return tinyLogits(weights, x);
    };
    const classifier = (who: keyof typeof calls, parameters: Tiny<NdArray>): Classifier => {
      const forward = counted(who);
      const logits = ({ parameters }: Weights<Tensor>, x: Tensor) => forward(parameters as unknown as Tiny<Tensor>, x);
      return { ...SHAPE, logits, weights: { parameters, buffers: {} } };
    };
    const context = {
      engine,
      student: () => classifier("student", INPUTS.student),
      teacher: classifier("teacher", INPUTS.teacher),
      naturalTeacher: classifier("teacher", INPUTS.naturalTeacher),
      x: BATCH.x,
      y: BATCH.y,
      ids: Int32Array.from(INPUTS.ids),
      progress: 0.5,
      rng: rng(1, "perturb", 0),
    };
    const xAdv = await objective.perturb?.(context, spec);
    const program = engine.compile(
      ({ student, teacher, x, xAdv, y, state, noise, progress }: {
        student: Tiny<Tensor>;
        teacher: Tiny<Tensor>;
        x: Tensor;
        xAdv: Tensor | undefined;
        y: Tensor;
        state: Record<string, Tensor>;
        noise: Tensor | undefined;
        progress: Tensor;
      }) => {
        const [ask, tell] = [counted("student"), counted("teacher")];
        const taught = (pixels: Tensor) => tell(teacher, pixels);
        const pair = { student: (pixels: Tensor) => ask(student, pixels), teacher: taught, naturalTeacher: taught };
        return objective.losses(pair, { x, y, xAdv }, spec, { progress, state, noise }).terms;
      },
    );
    const terms = await program({
      student: INPUTS.student,
      teacher: INPUTS.teacher,
      x: BATCH.x,
      y: BATCH.y,
      xAdv,
      state: firstState(spec),
      noise: noiseOf(spec, INPUTS.ids),
      progress: float32([], [0.95]),
    });
    await readTree(engine, terms);
    const { studentForward, teacherForward, studentBackward, teacherBackward } = objective.passes(spec);
    assertEquals(calls, { student: studentForward, teacher: teacherForward }, name);
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

/** By what the alignment of a doubled batch must be multiplied to be what it was. */
function doublingOf(spec: ObjectiveSpec): number {
  if (spec.kind === "kdiga" && spec.scale === "releasedCode") return 2 ** 1.5;
  return spec.kind === "igam" && spec.reduction === "sum" ? 1 / 2 : 1;
}

/** A direction of length 1 in the space of weights. */
function directionOf(like: Tiny<NdArray>, name: string): Tiny<NdArray> {
  const normal = mapTiny(like, ({ shape }, key) => float32(shape, rng(2, name, key).normal(shape)));
  const length = Math.sqrt(dot(normal, normal));
  return mapTiny(normal, ({ shape, data }) => float32(shape, Array.from(data, (value) => value / length)));
}

function moved(weights: Tiny<NdArray>, toward: Tiny<NdArray>, by: number): Tiny<NdArray> {
  return mapTiny(
    weights,
    ({ shape, data }, key) => float32(shape, Array.from(data, (value, i) => value + by * toward[key].data[i]!)),
  );
}

function dot(a: Tiny<NdArray>, b: Tiny<NdArray>): number {
  const products = mapTiny(a, ({ data }, key) => Array.from(data, (value, i) => value * b[key].data[i]!));
  return Object.values(products).flat().reduce((sum, product) => sum + product, 0);
}

function mapTiny<T, R>(tiny: Tiny<T>, map: (leaf: T, key: keyof Tiny<T>) => R): Tiny<R> {
  return Object.fromEntries(
    Object.entries(tiny).map(([key, leaf]) => [key, map(leaf, key as keyof Tiny<T>)]),
  ) as unknown as Tiny<R>;
}
