import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { float32, type NdArray, rng, UsageError } from "../../lib/core/mod.ts";
import { createEngine, readTree, type Tensor } from "../../lib/engine/mod.ts";
import {
  inputGradient,
  kd,
  kdiga,
  KDIGA_ARD_ADVERSARIAL,
  KDIGA_ARD_CLEAN,
  KDIGA_PAPER,
  KDIGA_PROJECTION,
  KDIGA_RELEASED_CODE,
  type KdigaSpec,
  type PerturbContext,
} from "../../lib/objectives/mod.ts";
import { crossEntropy, dot, kl, logitsOf, meanOver, minus, PLAIN, slopes } from "./_plain.ts";
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

const { x, xAdv, y } = PLAIN;
const lossSlopes = (weights: typeof INPUTS.student, pixels: readonly number[], i: number) =>
  slopes((at) => crossEntropy(logitsOf(weights, at), y[i]!), pixels);
const gapAt = (images: typeof x, i: number) => {
  const gap = minus(lossSlopes(INPUTS.student, images[i]!, i), lossSlopes(INPUTS.teacher, images[i]!, i));
  return Math.sqrt(dot(gap, gap));
};

Deno.test("kdiga with an attack has its labels at x, its divergence at x', its gradients at either", async () => {
  await using engine = await createEngine("reference");
  const { student, teacher } = INPUTS;
  const ce = 0.5 * meanOver((i) => crossEntropy(logitsOf(student, x[i]!), y[i]!));
  const divergence = 0.5 * meanOver((i) => kl(logitsOf(teacher, xAdv[i]!), logitsOf(student, xAdv[i]!)));
  for (const separatePasses of [false, true]) {
    const clean = await termsAt(engine, { ...KDIGA_ARD_CLEAN, separatePasses }, INPUTS);
    const adversarial = await termsAt(engine, { ...KDIGA_ARD_ADVERSARIAL, separatePasses }, INPUTS);
    for (const terms of [clean, adversarial]) {
      assertAlmostEquals(terms.ce!, ce, 1e-5);
      assertAlmostEquals(terms.kl!, divergence, 1e-5);
    }
    assertAlmostEquals(clean.iga!, 2 * meanOver((i) => gapAt(x, i)), 1e-5);
    assertAlmostEquals(adversarial.iga!, 2 * meanOver((i) => gapAt(xAdv, i)), 1e-5);
  }
  assertEquals(kdiga.passes(KDIGA_ARD_CLEAN), {
    studentForward: 12,
    studentBackward: 14,
    teacherForward: 2,
    teacherBackward: 1,
  });
  assertEquals(kdiga.passes(KDIGA_ARD_ADVERSARIAL).teacherForward, 1);
});

Deno.test("kdiga leaves out the images that the teacher gets wrong, as if they were aligned", async () => {
  await using engine = await createEngine("reference");
  const { student, teacher } = INPUTS;
  const spec = { ...KDIGA_PAPER, onlyWhereTeacherIsRight: true };
  const right = [0, 1, 2, 3].map((i) => {
    const z = logitsOf(teacher, xAdv[i]!);
    return z.indexOf(Math.max(...z)) === y[i] ? 1 : 0;
  });
  const count = right.reduce<number>((a, b) => a + b, 0);
  assert(count > 0 && count < 4, `${right}`);
  const terms = await termsAt(engine, spec, INPUTS);
  assertAlmostEquals(terms.iga!, 2 * meanOver((i) => right[i]! * gapAt(xAdv, i)), 1e-5);
  const divergence = (i: number) => kl(logitsOf(teacher, xAdv[i]!), logitsOf(student, xAdv[i]!));
  assertAlmostEquals(terms.kl!, 0.5 * meanOver((i) => right[i]! * divergence(i)), 1e-5);
  assertEquals(terms.ce, (await termsAt(engine, KDIGA_PAPER, INPUTS)).ce);
});

Deno.test("kdiga compares directions alone where cosines are asked for", async () => {
  await using engine = await createEngine("reference");
  const terms = await termsAt(engine, { ...KDIGA_PAPER, distance: "cosine" }, INPUTS);
  const apart = (i: number) => {
    const [a, b] = [INPUTS.student, INPUTS.teacher].map((weights) => lossSlopes(weights, xAdv[i]!, i));
    return 1 - dot(a!, b!) / Math.sqrt(dot(a!, a!) * dot(b!, b!));
  };
  // Where an image is fitted, float32 knows softmax - onehot, and with it the direction, to four digits.
  assertAlmostEquals(terms.iga!, 2 * meanOver(apart), 5e-4);
});

Deno.test("kdiga projects the Jacobians of both networks on the same directions of sum 0 and length 1", async () => {
  await using engine = await createEngine("reference");
  const direction = (id: number) =>
    Array.from(kdiga.noise!(KDIGA_PROJECTION, { classes: 3, inputShape: [2, 2, 3] }, rng(1, "noise", id))!);
  for (const id of [0, 1, 2, 3]) {
    const v = direction(id);
    assertAlmostEquals(v.reduce((a, b) => a + b), 0, 1e-6);
    assertAlmostEquals(dot(v, v), 1, 1e-6);
    assertNotEquals(v, direction(id + 1));
  }
  assertEquals(kdiga.noise!(KDIGA_PAPER, { classes: 3, inputShape: [2, 2, 3] }, rng(1)), undefined);
  const terms = await termsAt(engine, KDIGA_PROJECTION, INPUTS);
  const gap = (i: number) => {
    const [a, b] = [INPUTS.student, INPUTS.teacher].map((weights) =>
      slopes((at) => dot(direction(i), logitsOf(weights, at)), xAdv[i]!)
    );
    const difference = minus(a!, b!);
    return Math.sqrt(dot(difference, difference));
  };
  assertAlmostEquals(terms.iga!, 2 * meanOver(gap), 1e-5);
});

Deno.test("kdiga refuses fields that contradict each other", () => {
  const refuses = (change: Partial<KdigaSpec>, message: string) =>
    assertThrows(() => kdiga.check({ ...KDIGA_ARD_CLEAN, ...change }), UsageError, message);
  refuses({ randomStart: "8/255" }, "Cannot use randomStart together with an attack");
  refuses({ distance: "cosine", squared: true }, "Cannot use scale or squared with cosines, which have no length");
  refuses({ distance: "cosine", scale: "releasedCode" }, "Cannot use scale or squared with cosines");
  refuses({ attack: { eps: "8/255", steps: 0 } }, "Cannot use objective.steps as it is 0: write a positive integer");
  assertThrows(
    () => kdiga.check({ ...KDIGA_PAPER, alignAt: "adversarial" }),
    UsageError,
    'Cannot align at "adversarial" images without an attack: give one, or align at "clean" ones',
  );
});
