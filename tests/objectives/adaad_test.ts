import { assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { ADAAD_PAPER, ADAAD_RELEASED_CODE, objectiveOf } from "../../lib/objectives/mod.ts";
import { assertPassesCounted, assertTerms } from "./_assert_objective.ts";
import { ATTACKED, CLEAN, kl, mean, taught } from "./_logits.ts";

const attacked = mean(kl(ATTACKED.map(taught), ATTACKED));
const clean = mean(kl(CLEAN.map(taught), CLEAN));

Deno.test("adaad is KL(T(x') || S(x')), and with alpha below 1 the rest is KL(T(x) || S(x))", async () => {
  await assertTerms(ADAAD_PAPER, { kl: attacked });
  await assertTerms({ ...ADAAD_PAPER, alpha: 0.7 }, { kl: 0.7 * attacked, klClean: 0.3 * clean });
  await assertTerms({ ...ADAAD_RELEASED_CODE, alpha: 0.7 }, { kl: 0.7 * attacked / 3, klClean: 0.1 * clean });
});

Deno.test("adaad makes the passes it says", async () => {
  for (const spec of [ADAAD_PAPER, { ...ADAAD_PAPER, alpha: 0.7 }]) await assertPassesCounted(spec);
});

Deno.test("adaad refuses what it cannot use", () => {
  assertThrows(
    () => objectiveOf({ ...ADAAD_PAPER, alpha: 2 }),
    UsageError,
    "Cannot use the alpha 2: write a share from 0 to 1",
  );
});
