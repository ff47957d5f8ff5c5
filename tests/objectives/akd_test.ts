import { assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { AKD2_RELEASED_CODE, AKD_PAPER, objectiveOf } from "../../lib/objectives/mod.ts";
import { assertPassesCounted, assertTerms } from "./_assert_objective.ts";
import { ATTACKED, ce, kl, mean, natural, taught } from "./_logits.ts";

Deno.test("akd is (1 - alpha) CE and alpha t^2 KL(T || S), all at attacked images", async () => {
  await assertTerms({ ...AKD_PAPER, alpha: 0.3, temperature: 2 }, {
    ce: 0.7 * mean(ce(ATTACKED)),
    kl: 0.3 * 4 * mean(kl(ATTACKED.map(taught), ATTACKED, 2)),
  });
});

Deno.test("akd with two teachers shares the loss between the labels and both", async () => {
  await assertTerms(AKD2_RELEASED_CODE, {
    ce: 0.25 * mean(ce(ATTACKED)),
    kl: 0.5 * mean(kl(ATTACKED.map(taught), ATTACKED)),
    klNatural: 0.25 * mean(kl(ATTACKED.map(natural), ATTACKED)),
  });
});

Deno.test("akd makes the passes it says", async () => {
  for (const spec of [AKD_PAPER, AKD2_RELEASED_CODE]) await assertPassesCounted(spec);
});

Deno.test("akd refuses shares of more than the whole", () => {
  assertThrows(
    () => objectiveOf({ ...AKD_PAPER, alpha: 0.8, naturalAlpha: 0.3 }),
    UsageError,
    "Cannot use the alpha 0.8 with the naturalAlpha 0.3: write shares whose sum is at most 1",
  );
  assertThrows(
    () => objectiveOf({ ...AKD_PAPER, naturalAlpha: -0.1 }),
    UsageError,
    "Cannot use the naturalAlpha -0.1: write a share from 0 to 1",
  );
});
