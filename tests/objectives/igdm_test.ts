import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { createEngine } from "../../lib/engine/mod.ts";
import { igdm, IGDM_PAPER, IGDM_RELEASED_CODE, type IgdmSpec, PGD_AT } from "../../lib/objectives/mod.ts";
import { kl, logitsOf, meanOver, minus, PLAIN } from "./_plain.ts";
import { INPUTS, termsAt } from "./_tiny.ts";

const IGDM_PGD_AT: IgdmSpec = { ...IGDM_PAPER, base: PGD_AT };
const { x, xAdv } = PLAIN;
const { student, teacher } = INPUTS;

Deno.test("igdm adds the divergence of differences along d, growing with progress, to the terms of its base", async () => {
  await using engine = await createEngine("reference");
  const spec: IgdmSpec = { ...IGDM_PGD_AT, weight: 3 };
  const terms = await termsAt(engine, spec, INPUTS);
  assertEquals(Object.keys(terms), ["ce", "igdm"]);
  assertEquals(terms.ce, (await termsAt(engine, PGD_AT, INPUTS)).ce);
  const difference = (weights: typeof student, i: number) =>
    minus(logitsOf(weights, xAdv[i]!), logitsOf(weights, x[i]!.map((value, k) => 2 * value - xAdv[i]![k]!)));
  const expected = 3 * 0.95 * meanOver((i) => kl(difference(teacher, i), difference(student, i)));
  assertAlmostEquals(terms.igdm!, expected, 1e-5 * expected);
});

Deno.test("igdm costs one student pass and two teacher passes more than a base that does not ask the teacher", () => {
  assertEquals(igdm.passes(IGDM_PGD_AT), {
    studentForward: 12,
    studentBackward: 12,
    teacherForward: 2,
    teacherBackward: 0,
  });
});

Deno.test("igdm of the released code has radius and step swapped, and asks the teacher in the attack", () => {
  assertEquals(IGDM_RELEASED_CODE.base, { ...IGDM_PAPER.base, eps: "2/255", stepSize: "4/255" });
  igdm.check(IGDM_RELEASED_CODE);
  // AdaAD has asked it at x' already.
  assertEquals(igdm.passes(IGDM_PAPER), {
    studentForward: 12,
    studentBackward: 12,
    teacherForward: 12,
    teacherBackward: 10,
  });
});

Deno.test("igdm refuses bases that make no adversarial images, and weights below 0", () => {
  assertThrows(
    () => igdm.check({ ...IGDM_PGD_AT, base: { kind: "kd" } } as unknown as IgdmSpec),
    UsageError,
    'Cannot add indirect gradient matching to "kd": use one of adversarial, trades, mart, ard, akd, iad, rslad, adaad, adaiad',
  );
  assertThrows(
    () => igdm.check({ ...IGDM_PGD_AT, weight: -1 }),
    UsageError,
    "Cannot use the weight -1: write 0 or more, such as 20",
  );
});
