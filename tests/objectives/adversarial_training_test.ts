import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { float32, type NdArray, rng, UsageError } from "../../lib/core/mod.ts";
import { createEngine, type Engine, type Tensor } from "../../lib/engine/mod.ts";
import type { Classifier, Mode, Weights } from "../../lib/models/mod.ts";
import {
  adversarial,
  type AdversarialSpec,
  FAST_AT,
  FAST_AT_GRAD_ALIGN,
  FAST_AT_GRAD_ALIGN_RELEASED_CODE,
  inputGradient,
  objectiveOf,
  PGD_AT,
} from "../../lib/objectives/mod.ts";
import { assertPassesCounted } from "./_assert_objective.ts";
import { BATCH, INPUTS, largest, SHAPE, termGradients, termsAt, type Tiny, tinyLogits } from "./_tiny.ts";

const IDS = Int32Array.of(3, 1, 4, 2);

async function perturbed(engine: Engine, spec: AdversarialSpec, step = 0): Promise<[Float32Array, Mode[]]> {
  const asked: Mode[] = [];
  const student = (mode: Mode): Classifier => {
    asked.push(mode);
    const logits = (weights: Weights<Tensor>, x: Tensor) =>
      tinyLogits(weights.parameters as unknown as Tiny<Tensor>, x);
    return { classes: 3, inputShape: [2, 2, 3], logits, weights: { parameters: INPUTS.student, buffers: {} } };
  };
  const context = {
    engine,
    student,
    teacher: undefined,
    x: BATCH.x,
    y: BATCH.y,
    ids: IDS,
    progress: 0,
    rng: rng(1, "perturb", step),
  };
  const xAdv = await adversarial.perturb!(context, spec);
  return [(await engine.read(xAdv!)).data as Float32Array, asked];
}

Deno.test("adversarial makes stronger images inside ball and box", async () => {
  await using engine = await createEngine("reference");
  const clean = (await termsAt(engine, { kind: "natural" }, INPUTS)).ce!;
  const [xAdv, asked] = await perturbed(engine, PGD_AT);
  assertEquals(asked, ["eval"]);
  xAdv.forEach((value, i) => {
    assert(value >= 0 && value <= 1);
    assert(Math.abs(value - BATCH.x.data[i]!) <= 8 / 255 + 1e-6);
  });
  const terms = await termsAt(engine, PGD_AT, { ...INPUTS, xAdv: { ...BATCH.x, data: xAdv } });
  assert(terms.ce! > clean + 0.02, `${terms.ce} against ${clean}`);
  // And the term is the cross-entropy there.
  const there = (await termsAt(engine, { kind: "natural" }, { ...INPUTS, x: { ...BATCH.x, data: xAdv } })).ce!;
  assertAlmostEquals(terms.ce!, there, 1e-6);
});

Deno.test("adversarial starts where seed and step say, from the image itself without a random start", async () => {
  await using engine = await createEngine("reference");
  const [once] = await perturbed(engine, FAST_AT);
  const [again, asked] = await perturbed(engine, FAST_AT);
  assertEquals([again, asked], [once, ["train"]]);
  assertNotEquals((await perturbed(engine, FAST_AT, 1))[0], once);
  const still: AdversarialSpec = {
    kind: "adversarial",
    eps: "8/255",
    steps: 1,
    relativeStepSize: 0.5,
    randomStart: false,
  };
  const [fgsm] = await perturbed(engine, still);
  fgsm.forEach((value, i) => {
    const x = BATCH.x.data[i]!;
    if (x > 0.02 && x < 0.98) assertAlmostEquals(Math.abs(value - x), 4 / 255, 1e-6);
  });
});

Deno.test("adversarial terms need perturbed images", () => {
  const batch = {} as { x: Tensor; y: Tensor; xAdv: undefined };
  assertThrows(
    () =>
      adversarial.losses({ student: (x) => x, teacher: undefined }, batch, PGD_AT, { progress: batch.x, state: {} }),
    TypeError,
    "Cannot train adversarially without perturbed images",
  );
});

Deno.test("adversarial with gradAlign is 1 - cos of the input gradients at clean and at moved pixels", async () => {
  await using engine = await createEngine("reference");
  const program = engine.compile(({ w, x, y }: { w: Tiny<Tensor>; x: Tensor; y: Tensor }) =>
    inputGradient((pixels) => tinyLogits(w, pixels), x, y).gradient
  );
  const gradientAt = async (x: NdArray) =>
    (await engine.read(await program({ w: INPUTS.student, x, y: BATCH.y }))).data;
  const noise = INPUTS.ids.flatMap((id) => [...rng(1, "noise", id).uniform(12, -1, 1)]);
  const moved = float32(BATCH.x.shape, noise.map((each, i) => BATCH.x.data[i]! + 0.9 * each));
  const [a, b] = [await gradientAt(BATCH.x), await gradientAt(moved)];
  const dot = (p: ArrayLike<number>, q: ArrayLike<number>, i: number) =>
    Array.from({ length: 12 }, (_, k) => p[12 * i + k]! * q[12 * i + k]!).reduce((sum, each) => sum + each);
  const apart = [0, 1, 2, 3].map((i) => 1 - dot(a, b, i) / Math.sqrt(dot(a, a, i) * dot(b, b, i)));
  const expected = 0.2 * apart.reduce((sum, each) => sum + each) / 4;
  // So far that gradients part.
  const [spec, detached] = [FAST_AT_GRAD_ALIGN, FAST_AT_GRAD_ALIGN_RELEASED_CODE].map((each) => ({
    ...each,
    eps: "0.9",
  }));
  const terms = await termsAt(engine, spec!, INPUTS);
  assertAlmostEquals(terms.align!, expected, 1e-6);
  assertEquals(terms.ce, (await termsAt(engine, FAST_AT, INPUTS)).ce);

  // Held constant at the clean pixels: the same value, another gradient.
  assertEquals(await termsAt(engine, detached!, INPUTS), terms);
  const both = await termGradients(engine, spec!, "align", INPUTS);
  const one = await termGradients(engine, detached!, "align", INPUTS);
  assert(largest(one.student) > 1e-3);
  assert(both.student.w1.data.some((value, i) => Math.abs(value - one.student.w1.data[i]!) > 1e-3));
});

Deno.test("adversarial with gradAlign draws a number for every pixel, and needs them", () => {
  const drawn = adversarial.noise!(FAST_AT_GRAD_ALIGN, SHAPE, rng(1, "noise", 3))!;
  assertEquals(drawn.length, 12);
  assert(drawn.every((value) => value >= -1 && value < 1));
  assertEquals(adversarial.noise!(FAST_AT, SHAPE, rng(1)), undefined);
});

Deno.test("adversarial with gradAlign is 1 without a gradient where an image has no gradient", async () => {
  await using engine = await createEngine("reference");
  const flat = Object.fromEntries(
    Object.entries(INPUTS.student).map(([name, { shape }]) => [name, float32(shape)]),
  ) as unknown as Tiny<NdArray>;
  const inputs = { ...INPUTS, student: flat };
  assertAlmostEquals((await termsAt(engine, FAST_AT_GRAD_ALIGN, inputs)).align!, 0.2, 1e-7);
  assertEquals(largest((await termGradients(engine, FAST_AT_GRAD_ALIGN, "align", inputs)).student), 0);
});

Deno.test("adversarial makes the passes it says", async () => {
  for (const spec of [PGD_AT, FAST_AT]) await assertPassesCounted(spec);
  assertEquals(adversarial.passes(FAST_AT_GRAD_ALIGN).studentBackward, 8);
  assertEquals(adversarial.passes(FAST_AT_GRAD_ALIGN_RELEASED_CODE).studentBackward, 6);
});

Deno.test("adversarial refuses a weight below 0", () => {
  assertThrows(
    () => objectiveOf({ ...FAST_AT, gradAlign: -1 }),
    UsageError,
    "Cannot use the gradAlign -1: write 0 or more, such as 0.2",
  );
});
