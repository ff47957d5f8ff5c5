import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { IAD_PAPER, IAD_RELEASED_CODE, objectiveOf } from "../../lib/objectives/mod.ts";
import { assertPassesCounted, assertTerms } from "./_assert_objective.ts";
import { ATTACKED, ce, CLEAN, kl, mean, softmax, taught, termsOfLogits, Y } from "./_logits.ts";

const trust = (beta: number) => ATTACKED.map((z, i) => softmax(taught(z))[Y[i]!]! ** beta);
const fromTeacher = kl(CLEAN.map(taught), ATTACKED);
const fromSelf = kl(CLEAN, ATTACKED);

Deno.test("iad of the released code adds (1 - A) KL(S(x) || S(x')) to the teacher's part", async () => {
  const a = trust(0.1);
  await assertTerms(IAD_RELEASED_CODE, {
    kl: mean(fromTeacher),
    klSelf: mean(fromSelf.map((d, i) => d * (1 - a[i]!))),
  });
});

Deno.test("iad weighs the teacher's part by A where it is told", async () => {
  const a = trust(2);
  await assertTerms({ ...IAD_PAPER, beta: 2, alpha: 0.6, temperature: 3 }, {
    ce: 0.4 * mean(ce(CLEAN)),
    kl: 0.6 * 9 * mean(kl(CLEAN.map(taught), ATTACKED, 3).map((d, i) => d * a[i]!)),
    klSelf: 0.6 * mean(fromSelf.map((d, i) => d * (1 - a[i]!))),
  }, 1e-5);
});

Deno.test("iad trusts the teacher alone before its share of training, and not from there on", async () => {
  const before = await termsOfLogits(IAD_PAPER, 0.2999);
  assertEquals(before.klSelf, 0);
  assertAlmostEquals(before.kl!, mean(fromTeacher), 1e-6);
  // The first step of epoch 60 of 200, of 390 steps each.
  const from = await termsOfLogits(IAD_PAPER, (60 * 390) / (200 * 390));
  assertAlmostEquals(from.klSelf!, mean(fromSelf.map((d, i) => d * (1 - trust(0.1)[i]!))), 1e-6);
  const { introspectiveFrom: _, ...always } = IAD_PAPER;
  assertEquals(await termsOfLogits(always, 0), from);
});

Deno.test("iad makes the passes it says", () => assertPassesCounted(IAD_RELEASED_CODE));

Deno.test("iad refuses what it cannot use", () => {
  assertThrows(
    () => objectiveOf({ ...IAD_PAPER, beta: -0.1 }),
    UsageError,
    "Cannot use the beta -0.1: write 0 or more, such as 0.1",
  );
  assertThrows(
    () => objectiveOf({ ...IAD_PAPER, introspectiveFrom: 60 }),
    UsageError,
    "Cannot use the introspectiveFrom 60: write a share from 0 to 1",
  );
});
