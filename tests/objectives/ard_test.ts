import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { ard, ARD_KDIGA_RELEASED_CODE, ARD_PAPER, ARD_RELEASED_CODE, objectiveOf } from "../../lib/objectives/mod.ts";
import { assertPassesCounted, assertTerms } from "./_assert_objective.ts";
import { ATTACKED, ce, CLEAN, kl, mean, taught } from "./_logits.ts";

Deno.test("ard of the paper is t^2 KL(T(x) || S(x')) at temperature 30, without a term of the labels", async () => {
  const divergence = 900 * mean(kl(CLEAN.map(taught), ATTACKED, 30));
  await assertTerms(ARD_PAPER, { kl: divergence }, 1e-4);
  await assertTerms(ARD_RELEASED_CODE, { kl: divergence / 3 }, 1e-4);
});

Deno.test("ard has (1 - alpha) CE of clean images, and asks the teacher where it is told", async () => {
  const spec = { ...ARD_PAPER, alpha: 0.7, temperature: 2 } as const;
  await assertTerms(spec, { ce: 0.3 * mean(ce(CLEAN)), kl: 0.7 * 4 * mean(kl(CLEAN.map(taught), ATTACKED, 2)) });
  await assertTerms(ARD_KDIGA_RELEASED_CODE, {
    ce: 0.5 * mean(ce(CLEAN)),
    kl: 0.5 * mean(kl(ATTACKED.map(taught), ATTACKED)) / 3,
  });
});

Deno.test("ard makes the passes it says", async () => {
  for (const spec of [ARD_PAPER, ARD_KDIGA_RELEASED_CODE]) await assertPassesCounted(spec);
  const passes = { studentForward: 11, studentBackward: 11, teacherForward: 1, teacherBackward: 0 };
  assertEquals(ard.passes(ARD_PAPER), passes);
});

Deno.test("ard refuses what it cannot use", () => {
  assertThrows(
    () => objectiveOf({ ...ARD_PAPER, alpha: 1.5 }),
    UsageError,
    "Cannot use the alpha 1.5: write a share from 0 to 1",
  );
  assertThrows(
    () => objectiveOf({ ...ARD_PAPER, eps: "8" }),
    UsageError,
    'Cannot use "8" as a radius as pixels are in [0, 1]',
  );
});
