import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { rng, UsageError } from "../../lib/core/mod.ts";
import { createEngine, type Tensor } from "../../lib/engine/mod.ts";
import type { Classifier, Weights } from "../../lib/models/mod.ts";
import { saad, SAAD_CLEAN, SAAD_PAPER, SAAD_RELEASED_CODE } from "../../lib/objectives/mod.ts";
import { dot, kl, logitsOf, meanOver, minus, PLAIN, slopes, softmax } from "./_plain.ts";
import { BATCH, INPUTS, SHAPE, termsAt, type Tiny, tinyLogits } from "./_tiny.ts";

const { x, xAdv, y } = PLAIN;
const { student, teacher } = INPUTS;
const IMAGES = [0, 1, 2, 3];
const ENTROPY = IMAGES.map((i) => {
  const p = softmax(logitsOf(teacher, xAdv[i]!));
  return -p.reduce((sum, value) => sum + value * Math.log(value), 0);
});
const atAdv = (i: number) => kl(logitsOf(teacher, xAdv[i]!), logitsOf(student, xAdv[i]!));
const along = (weights: typeof student, i: number) =>
  minus(logitsOf(weights, xAdv[i]!), logitsOf(weights, x[i]!.map((value, k) => 2 * value - xAdv[i]![k]!)));
const matched = (i: number) => kl(along(teacher, i), along(student, i));
const close = (actual: number, expected: number) =>
  assertAlmostEquals(actual, expected, 1e-5 * Math.max(expected, 0.1));

Deno.test("saad weighs images by the teacher's entropy at x'", async () => {
  await using engine = await createEngine("reference");
  const terms = await termsAt(engine, SAAD_PAPER, INPUTS);
  assertEquals(Object.keys(terms), ["kl", "igdm"]);
  close(terms.kl!, meanOver((i) => ENTROPY[i]! * atAdv(i)));
  close(terms.igdm!, 0.95 * meanOver((i) => ENTROPY[i]! * matched(i)));
});

Deno.test("saad of the released code weighs by 5 (H - min H), and clean images by what is left", async () => {
  await using engine = await createEngine("reference");
  const least = Math.min(...ENTROPY);
  const above = ENTROPY.map((value) => value - least);
  const terms = await termsAt(engine, { ...SAAD_RELEASED_CODE, cleanWeight: 0.2 }, INPUTS);
  close(terms.kl!, meanOver((i) => 5 * above[i]! * atAdv(i)));
  const share = (i: number) => 1 - above[i]! / Math.max(...above);
  const clean = (i: number) => kl(logitsOf(teacher, x[i]!), logitsOf(student, x[i]!));
  close(terms.klClean!, 0.2 * meanOver((i) => share(i) * clean(i)));
  close((await termsAt(engine, SAAD_CLEAN, INPUTS)).klClean!, 0.2 * meanOver((i) => share(i) * clean(i)));
});

Deno.test("saad's images raise the divergence from the linearised teacher, by one step along its sign", async () => {
  await using engine = await createEngine("reference");
  const classifier = (parameters: typeof student): Classifier => ({
    ...SHAPE,
    logits: (weights: Weights<Tensor>, at: Tensor) => tinyLogits(weights.parameters as unknown as Tiny<Tensor>, at),
    weights: { parameters, buffers: {} },
  });
  const context = {
    engine,
    student: () => classifier(student),
    teacher: classifier(teacher),
    x: BATCH.x,
    y: BATCH.y,
    ids: Int32Array.from(IMAGES),
    progress: 0,
    rng: rng(1, "perturb", 0),
  };
  const spec = { ...SAAD_PAPER, steps: 1, start: "none", stepSize: "2/255" } as const;
  const moved = (await engine.read((await saad.perturb!(context, spec))! as never)).data;
  let checked = 0;
  for (const i of IMAGES) {
    const taught = logitsOf(teacher, x[i]!);
    const g = slopes((pixels) => logitsOf(teacher, pixels)[y[i]!]!, x[i]!);
    const linear = (pixels: readonly number[]) =>
      taught.map((value, k) => k === y[i] ? value + dot(g, minus(pixels, x[i]!)) : value);
    const slope = slopes((pixels) => kl(linear(pixels), logitsOf(student, pixels)), x[i]!);
    slope.forEach((value, k) => {
      const from = x[i]![k]!;
      if (Math.abs(value) < 1e-4 || from < 0.01 || from > 0.99) return;
      assertAlmostEquals(moved[12 * i + k]! - from, Math.sign(value) * 2 / 255, 1e-6);
      checked++;
    });
  }
  assert(checked > 20, `${checked}`);
});

Deno.test("saad asks a teacher once with its gradient, whatever the steps", () => {
  assertEquals(saad.passes(SAAD_PAPER), {
    studentForward: 12,
    studentBackward: 12,
    teacherForward: 3,
    teacherBackward: 1,
  });
  assertThrows(
    () => saad.check({ ...SAAD_PAPER, cleanWeight: -1 }),
    UsageError,
    "Cannot use the cleanWeight -1: write 0 or more, such as 0.2",
  );
});
