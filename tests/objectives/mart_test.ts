import { assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { MART_PAPER, MART_RELEASED_CODE, objectiveOf } from "../../lib/objectives/mod.ts";
import { assertPassesCounted, assertTerms } from "./_assert_objective.ts";
import { ATTACKED, ce, CLEAN, kl, mean, softmax, Y } from "./_logits.ts";

const others = ATTACKED.map((z, i) => Math.max(...softmax(z).filter((_, k) => k !== Y[i])));
const weighted = kl(CLEAN, ATTACKED).map((each, i) => each * (1 - softmax(CLEAN[i]!)[Y[i]!]!));

Deno.test("mart is the boosted CE and lambda (1 - p_y(x)) KL(clean || attacked)", async () => {
  const boosted = others.map((p) => -Math.log(1 - p));
  await assertTerms(MART_PAPER, { bce: mean(ce(ATTACKED)) + mean(boosted), kl: 5 * mean(weighted) });
});

Deno.test("mart of the released code has 1.0001 in the boosted part", async () => {
  const boosted = others.map((p) => -Math.log(1.0001 - p));
  await assertTerms(MART_RELEASED_CODE, { bce: mean(ce(ATTACKED)) + mean(boosted), kl: 5 * mean(weighted) });
});

Deno.test("mart makes the passes it says", () => assertPassesCounted(MART_PAPER));

Deno.test("mart refuses what it cannot use", () => {
  assertThrows(
    () => objectiveOf({ ...MART_PAPER, lambda: NaN }),
    UsageError,
    "Cannot use the lambda NaN: write 0 or more, such as 5",
  );
  assertThrows(
    () => objectiveOf({ ...MART_PAPER, floor: -1 }),
    UsageError,
    "Cannot use the floor -1: write 0 or more, such as 0.0001",
  );
});
