import { assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { objectiveOf, RSLAD_PAPER, RSLAD_RELEASED_CODE } from "../../lib/objectives/mod.ts";
import { assertPassesCounted, assertTerms } from "./_assert_objective.ts";
import { ATTACKED, CLEAN, kl, mean, taught } from "./_logits.ts";

const attacked = mean(kl(CLEAN.map(taught), ATTACKED));
const clean = mean(kl(CLEAN.map(taught), CLEAN));

Deno.test("rslad is 5/6 KL(T(x) || S(x')) and 1/6 KL(T(x) || S(x)), a C-th of both in the released code", async () => {
  await assertTerms(RSLAD_PAPER, { kl: 5 / 6 * attacked, klClean: clean / 6 });
  await assertTerms(RSLAD_RELEASED_CODE, { kl: 5 / 18 * attacked, klClean: clean / 18 });
  await assertTerms({ ...RSLAD_PAPER, alpha: 1 }, { kl: attacked });
});

Deno.test("rslad makes the passes it says", async () => {
  for (const spec of [RSLAD_PAPER, { ...RSLAD_PAPER, alpha: 1 }]) await assertPassesCounted(spec);
});

Deno.test("rslad refuses what it cannot use", () => {
  assertThrows(
    () => objectiveOf({ ...RSLAD_PAPER, alpha: -1 }),
    UsageError,
    "Cannot use the alpha -1: write a share from 0 to 1",
  );
});
