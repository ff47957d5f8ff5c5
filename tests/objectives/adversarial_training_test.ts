import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { rng } from "../../lib/core/mod.ts";
import { createEngine, type Engine, type Tensor } from "../../lib/engine/mod.ts";
import type { Classifier, Mode, Weights } from "../../lib/models/mod.ts";
import { adversarial, type AdversarialSpec, FAST_AT, PGD_AT } from "../../lib/objectives/mod.ts";
import { BATCH, INPUTS, termsAt, type Tiny, tinyLogits } from "./_tiny.ts";

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
