import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { adaiad, ADAIAD_PAPER, ADAIAD_RELEASED_CODE, objectiveOf } from "../../lib/objectives/mod.ts";
import { assertPassesCounted, assertTerms } from "./_assert_objective.ts";
import { ATTACKED, ce, CLEAN, kl, mean, softmax, taught, Y } from "./_logits.ts";

Deno.test("adaiad asks the teacher at attacked images, for its answer and for the trust", async () => {
  const self = kl(CLEAN, ATTACKED).map((d, i) => d * (1 - softmax(taught(ATTACKED[i]!))[Y[i]!]! ** 0.1));
  await assertTerms(ADAIAD_PAPER, { kl: mean(kl(ATTACKED.map(taught), ATTACKED)), klSelf: mean(self) });
  await assertTerms({ ...ADAIAD_RELEASED_CODE, alpha: 0.5, temperature: 4 }, {
    ce: 0.5 * mean(ce(CLEAN)),
    kl: 0.5 * 16 * mean(kl(ATTACKED.map(taught), ATTACKED, 4)),
    klSelf: 0.5 * mean(self),
  }, 1e-5);
});

Deno.test("adaiad makes the passes it says", async () => {
  await assertPassesCounted(ADAIAD_PAPER);
  const passes = { studentForward: 12, studentBackward: 12, teacherForward: 11, teacherBackward: 10 };
  assertEquals(adaiad.passes(ADAIAD_PAPER), passes);
});

Deno.test("adaiad refuses what it cannot use", () => {
  assertThrows(
    () => objectiveOf({ ...ADAIAD_PAPER, temperature: 0 }),
    UsageError,
    "Cannot use the temperature 0: write a positive number such as 1",
  );
});
