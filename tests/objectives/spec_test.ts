import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { float32, type NdArray, rng, UsageError } from "../../lib/core/mod.ts";
import {
  FAST_AT,
  KDIGA_PAPER,
  KDIGA_RELEASED_CODE,
  objectiveOf,
  type ObjectiveSpec,
  PGD_AT,
} from "../../lib/objectives/mod.ts";
import { testOnEngines } from "../testing/engines.ts";
import { INPUTS, largest, take, termGradients, termsAt, type Tiny, type TinyInputs } from "./_tiny.ts";

/** Small specs of each kind: a new kind does not compile until it has one. */
const SPECS: { readonly [K in ObjectiveSpec["kind"]]: readonly Extract<ObjectiveSpec, { kind: K }>[] } = {
  natural: [{ kind: "natural" }],
  adversarial: [PGD_AT, FAST_AT],
  kd: [
    { kind: "kd", alpha: 0.5, temperature: 1 },
    { kind: "kd", alpha: 0.9, temperature: 4, klReduction: "elementMean" },
  ],
  kdiga: [
    KDIGA_PAPER,
    // Of the order of the other terms, so that float32 differences can see it.
    { ...KDIGA_RELEASED_CODE, weight: 10 },
    { ...KDIGA_PAPER, squared: true, temperature: 2, randomStart: "8/255", separatePasses: true },
  ],
};

const EACH = Object.values(SPECS).flat().map((spec): [ObjectiveSpec, string] => [spec, JSON.stringify(spec)]);

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
    for (const value of Object.values(terms)) assert(Number.isFinite(value) && value > 0, name);
  }
}, ENGINES);

testOnEngines("every term alone moves the student and leaves the teacher", async (engine) => {
  await each(async (spec, term, name) => {
    const { student, teacher } = await termGradients(engine, spec, term, INPUTS);
    assert(largest(student) > 1e-3, `${name}: ${largest(student)}`);
    assertEquals(largest(teacher), 0, name);
  });
}, ENGINES);

testOnEngines(
  "every term's directional derivative is its central difference (second order where it aligns)",
  async (engine) => {
    await each(async (spec, term, name) => {
      const { student } = await termGradients(engine, spec, term, INPUTS);
      for (const direction of ["a", "b", "c"]) {
        const toward = directionOf(student, direction);
        const slope = dot(student, toward);
        const h = 1e-2;
        const at = async (t: number) =>
          (await termsAt(engine, spec, { ...INPUTS, student: moved(INPUTS.student, toward, t) }))[term]!;
        const difference = (await at(h) - await at(-h)) / (2 * h);
        assertAlmostEquals(slope, difference, 1e-3 * Math.abs(difference) + 3e-5, `${name} along ${direction}`);
      }
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
  "no term changes for a doubled batch, but the released code's alignment, which falls by 2^1.5",
  async (engine) => {
    const doubled = take(INPUTS, [0, 1, 2, 3, 0, 1, 2, 3]);
    for (const [spec, name] of EACH) {
      const [terms, again] = [await termsAt(engine, spec, INPUTS), await termsAt(engine, spec, doubled)];
      for (const [term, value] of Object.entries(terms)) {
        const factor = term === "iga" && spec.kind === "kdiga" && spec.scale === "releasedCode" ? 2 ** 1.5 : 1;
        assertAlmostEquals(again[term]! * factor, value, 1e-5, `${term} of ${name}`);
      }
    }
  },
  ENGINES,
);

testOnEngines(
  "divergence and alignment are 0, with no gradient, when student and teacher are equal",
  async (engine) => {
    const equal: TinyInputs = { ...INPUTS, student: INPUTS.teacher };
    await each(async (spec, term, name) => {
      if (term !== "kl" && term !== "iga") return;
      assertEquals((await termsAt(engine, spec, equal))[term], 0, name);
      // The gradient of the divergence is p_S - p_T, 0 up to rounding; that of the norm is made 0.
      const { student } = await termGradients(engine, spec, term, equal);
      assert(largest(student) < 1e-6, `${name}: ${largest(student)}`);
    });
  },
  ENGINES,
);

Deno.test("objectiveOf() refuses unknown kinds and fields out of range", () => {
  const refuses = (spec: ObjectiveSpec, message: string) => assertThrows(() => objectiveOf(spec), UsageError, message);
  refuses(
    { kind: "ard" } as unknown as ObjectiveSpec,
    `Cannot train with "ard": use one of natural, adversarial, kd, kdiga`,
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
  assertEquals(needs, { natural: [], adversarial: [], kd: ["teacher"], kdiga: ["teacher"] });
});

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
