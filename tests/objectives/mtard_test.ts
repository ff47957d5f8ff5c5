import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { scalar, UsageError } from "../../lib/core/mod.ts";
import { createEngine } from "../../lib/engine/mod.ts";
import { mtard, MTARD_PAPER, MTARD_RELEASED_CODE, type MtardSpec } from "../../lib/objectives/mod.ts";
import { kl, logitsOf, meanOver, PLAIN } from "./_plain.ts";
import { INPUTS, lossesAt } from "./_tiny.ts";

const { x, xAdv } = PLAIN;
const { student, teacher, naturalTeacher } = INPUTS;
const ROBUST = meanOver((i) => kl(logitsOf(teacher, xAdv[i]!), logitsOf(student, xAdv[i]!)));
const NATURAL = meanOver((i) => kl(logitsOf(naturalTeacher, x[i]!), logitsOf(student, x[i]!)));

async function at(spec: MtardSpec, naturalWeight: number, firstRobust: number, firstNatural: number) {
  await using engine = await createEngine("reference");
  const state = {
    naturalWeight: scalar(naturalWeight),
    firstRobust: scalar(firstRobust),
    firstNatural: scalar(firstNatural),
  };
  const { terms, state: after } = await lossesAt(engine, spec, { ...INPUTS, state });
  const carried = Object.fromEntries(Object.entries(after).map(([name, { data }]) => [name, data[0]!]));
  return { ...terms, ...carried } as Record<string, number>;
}

Deno.test("mtard asks the robust teacher at x' and the natural one at x, by halves at first", async () => {
  const found = await at(MTARD_PAPER, 0.5, 0, 0);
  assertAlmostEquals(found.kl!, ROBUST / 2, 1e-5);
  assertAlmostEquals(found.klNatural!, NATURAL / 2, 1e-5);
  assertAlmostEquals(found.naturalWeight!, 0.5, 1e-7);
  assertAlmostEquals(found.firstRobust!, ROBUST, 1e-5);
  assertAlmostEquals(found.firstNatural!, NATURAL, 1e-5);
});

Deno.test("mtard gives weight to what is learned more slowly, measured from its first loss", async () => {
  // r_a = 1/2, r_n = 1/4: the share of the natural loss is 1/3.
  const found = await at(MTARD_PAPER, 0.6, 2 * ROBUST, 4 * NATURAL);
  const weight = 0.6 - 0.025 * (0.6 - 1 / 3);
  assertAlmostEquals(found.naturalWeight!, weight, 1e-6);
  assertAlmostEquals(found.kl!, (1 - weight) * ROBUST, 1e-5);
  assertAlmostEquals(found.klNatural!, weight * NATURAL, 1e-5);
  assertAlmostEquals(found.firstRobust!, 2 * ROBUST, 1e-5);
});

Deno.test("mtard of the released code has element means, and a step of the weights that falls with progress", async () => {
  const found = await at(MTARD_RELEASED_CODE, 0.6, 2 * ROBUST / 3, 4 * NATURAL / 3);
  // 0.95 of training is epoch 285 of 300, the third drop.
  const weight = 0.6 - 0.025e-3 * (0.6 - 1 / 3);
  assertAlmostEquals(found.naturalWeight!, weight, 1e-6);
  assertAlmostEquals(found.kl!, (1 - weight) * ROBUST / 3, 1e-5);
});

Deno.test("mtard stays finite where both teachers are reached", async () => {
  await using engine = await createEngine("reference");
  const equal = { ...INPUTS, teacher: student, naturalTeacher: student };
  const { terms, state } = await lossesAt(engine, MTARD_PAPER, equal);
  assertEquals([terms.kl, terms.klNatural], [0, 0]);
  assertAlmostEquals(state.naturalWeight!.data[0]!, 0.5, 1e-6);
});

Deno.test("mtard refuses what is no share", () => {
  assertThrows(
    () => mtard.check({ ...MTARD_PAPER, weightRateDrops: [2] }),
    UsageError,
    "Cannot use the weightRateDrops 2: write a share from 0 to 1",
  );
});
