import { assertEquals, assertThrows } from "@std/assert";
import { attackName, UsageError } from "../../mod.ts";
import { attacksOf } from "../../scripts/_attacks.ts";

Deno.test("attacksOf() reads every attack by the name that it has in tables", () => {
  const names = [
    "fgsm",
    "fgsm-l2-margin",
    "pgd-20",
    "pgd-20-l2-margin-restarts-5",
    "apgd-ce",
    "apgd-dlr-l2-steps-50-restarts-5",
    "apgd-margin",
    "apgd-t-l1-targets-5-larger-reps",
    "fab",
    "fab-t-l1-restarts-2",
    "square-queries-1000",
    "autoattack",
    "autoattack-l2-plus",
  ];
  assertEquals(attacksOf([names.slice(0, 4).join(","), names.slice(4).join(" , ")]).map(attackName), names);
  assertEquals(attacksOf(["apgd-t-l2,fab-t,autoattack-plus"]), [
    { kind: "apgd", norm: "L2", loss: "targetedDlr" },
    { kind: "fab", targets: 9 },
    { kind: "autoattack", version: "plus" },
  ]);
});

Deno.test("attacksOf() refuses names that no attack has", () => {
  for (
    const name of ["cw", "", "pgd", "apgd", "apgd-ce-margin", "pgd-20-margin-l2", "apgd-ce-steps-100"]
  ) {
    assertThrows(() => attacksOf([name]), UsageError, `Cannot use the attack "${name}"`);
  }
  assertThrows(() => attacksOf(["fgsm-steps-3"]), UsageError, "Cannot use fgsm-steps-3.steps as a fgsm attack has no");
  assertThrows(() => attacksOf(["fab-margin"]), UsageError, "Cannot use fab-margin.loss as a fab attack has no such");
  assertThrows(() => attacksOf(["fgsm-l1"]), UsageError, "Cannot use fgsm-l1.norm as it is");
});
