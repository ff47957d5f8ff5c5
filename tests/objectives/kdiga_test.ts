import { assert, assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert";
import { float32, type NdArray, rng } from "../../lib/core/mod.ts";
import { createEngine, readTree, type Tensor } from "../../lib/engine/mod.ts";
import {
  inputGradient,
  kd,
  kdiga,
  KDIGA_PAPER,
  KDIGA_RELEASED_CODE,
  type KdigaSpec,
  type PerturbContext,
} from "../../lib/objectives/mod.ts";
import { BATCH, INPUTS, largest, termGradients, termsAt, type Tiny, tinyLogits } from "./_tiny.ts";

Deno.test("kdiga does not detach the student's gradient: its alignment term moves every weight", async () => {
  await using engine = await createEngine("reference");
  for (const spec of [KDIGA_PAPER, KDIGA_RELEASED_CODE]) {
    const { student } = await termGradients(engine, spec, "iga", INPUTS);
    const value = (await termsAt(engine, spec, INPUTS)).iga!;
    for (const [name, gradient] of Object.entries(student)) {
      const size = largest({ w1: gradient } as Tiny<NdArray>);
      assert(size > 1e-2 * value, `${name}: ${size} at a term of ${value}`);
    }
  }
});

Deno.test("kdiga has the terms of knowledge distillation, and one that follows from the input gradients", async () => {
  await using engine = await createEngine("reference");
  const program = engine.compile(({ w, x, y }: { w: Tiny<Tensor>; x: Tensor; y: Tensor }) =>
    inputGradient((pixels) => tinyLogits(w, pixels), x, y).gradient
  );
  const gradientOf = async (w: Tiny<NdArray>) =>
    (await engine.read(await program({ w, x: BATCH.xAdv, y: BATCH.y }))).data;
  const [student, teacher] = [await gradientOf(INPUTS.student), await gradientOf(INPUTS.teacher)];
  const squares = [0, 1, 2, 3].map((i) =>
    Array.from({ length: 12 }, (_, k) => (student[12 * i + k]! - teacher[12 * i + k]!) ** 2).reduce((a, b) => a + b)
  );

  const terms = await termsAt(engine, KDIGA_PAPER, INPUTS);
  assertAlmostEquals(terms.iga!, 2 * squares.reduce((sum, square) => sum + Math.sqrt(square), 0) / 4, 1e-5);
  const released = await termsAt(engine, KDIGA_RELEASED_CODE, INPUTS);
  assertAlmostEquals(released.iga!, Math.sqrt(squares.reduce((a, b) => a + b)) / 4 / 4, 1e-6);

  // At perturbed pixels where there are some, all of it.
  const distilled = await termsAt(engine, { kind: "kd", alpha: 0.5, temperature: 1 }, { ...INPUTS, x: BATCH.xAdv });
  assertAlmostEquals(terms.ce!, distilled.ce!, 1e-6);
  assertAlmostEquals(terms.kl!, distilled.kl!, 1e-6);
  assertAlmostEquals(released.kl!, distilled.kl! / 3, 1e-6);
});

Deno.test("kdiga asks student and teacher once each, the student twice where passes are separate", async () => {
  await using engine = await createEngine("reference");
  const callsOf = async (spec: KdigaSpec) => {
    const calls: string[] = [];
    const program = engine.compile(({ w, x, y }: { w: Tiny<Tensor>; x: Tensor; y: Tensor }) => {
      const network = (name: string) => (pixels: Tensor) => {
        calls.push(name);
        return tinyLogits(w, pixels);
      };
      const pair = { student: network("student"), teacher: network("teacher") };
      return kdiga.losses(pair, { x, y, xAdv: undefined }, spec, { progress: x, state: {} }).terms;
    });
    await readTree(engine, await program({ w: INPUTS.student, x: BATCH.x, y: BATCH.y }));
    return calls;
  };
  assertEquals(await callsOf(KDIGA_PAPER), ["student", "teacher"]);
  const separate = { ...KDIGA_PAPER, separatePasses: true };
  assertEquals(await callsOf(separate), ["student", "student", "teacher"]);
  assertEquals(await termsAt(engine, separate, INPUTS), await termsAt(engine, KDIGA_PAPER, INPUTS));
});

Deno.test("kdiga moves pixels by uniform noise, keyed by image, where a random start is asked for", async () => {
  const context = {
    x: float32([3, 4, 4, 3], new Array(144).fill(0.99)),
    ids: Int32Array.of(5, 7, 9),
    rng: rng(1, "perturb", 0),
  } as unknown as PerturbContext;
  assertEquals(await kdiga.perturb!(context, KDIGA_PAPER), undefined);
  const spec = { ...KDIGA_PAPER, randomStart: "8/255" };
  const moved = await kdiga.perturb!(context, spec) as NdArray;
  const noise = Array.from(moved.data, (value) => value - Math.fround(0.99));
  assert(noise.every((value) => Math.abs(value) <= 8 / 255 + 1e-7));
  assert(Math.max(...noise) > 0.025 && Math.min(...noise) < -0.025); // P(fail) < 1e-15
  assert(Math.max(...moved.data) > 1, "not clipped");
  assertAlmostEquals(noise.reduce((a, b) => a + b) / 144, 0, 6e-3); // 4 standard errors of the mean

  const other = { ...context, x: float32([1, 4, 4, 3], new Array(48).fill(0.99)), ids: Int32Array.of(7) };
  assertEquals((await kdiga.perturb!(other, spec) as NdArray).data, moved.data.slice(48, 96));
  const later = await kdiga.perturb!({ ...context, rng: rng(1, "perturb", 1) }, spec) as NdArray;
  assertNotEquals(later.data, moved.data);
  assertEquals(kd.perturb, undefined);
});
