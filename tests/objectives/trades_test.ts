import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { objectiveOf, trades, TRADES_PAPER } from "../../lib/objectives/mod.ts";
import { assertPassesCounted, assertTerms } from "./_assert_objective.ts";
import { ATTACKED, ce, CLEAN, kl, mean } from "./_logits.ts";

Deno.test("trades is CE of clean images and beta KL(clean || attacked)", async () => {
  await assertTerms({ ...TRADES_PAPER, beta: 4 }, { ce: mean(ce(CLEAN)), kl: 4 * mean(kl(CLEAN, ATTACKED)) });
});

Deno.test("trades makes the passes it says", async () => {
  await assertPassesCounted(TRADES_PAPER);
  assertEquals(trades.passes(TRADES_PAPER), {
    studentForward: 13,
    studentBackward: 12,
    teacherForward: 0,
    teacherBackward: 0,
  });
});

Deno.test("trades refuses what it cannot use", () => {
  assertThrows(
    () => objectiveOf({ ...TRADES_PAPER, beta: -1 }),
    UsageError,
    "Cannot use the beta -1: write 0 or more, such as 6",
  );
  assertThrows(
    () => objectiveOf({ ...TRADES_PAPER, start: "none" }),
    UsageError,
    'Cannot use the start "none" where the divergence from the clean answer is raised',
  );
});
