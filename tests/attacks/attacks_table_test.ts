import { assertEquals } from "@std/assert";
import { attackName, ATTACKS, type AttackSpec } from "../../lib/attacks/mod.ts";

const NAMES: readonly (readonly [AttackSpec, string])[] = [
  [{ kind: "fgsm" }, "fgsm"],
  [{ kind: "fgsm", norm: "L2" }, "fgsm-l2"],
  [{ kind: "fgsm", loss: "margin" }, "fgsm-margin"],
  [{ kind: "pgd", steps: 20 }, "pgd-20"],
  [{ kind: "pgd", steps: 10 }, "pgd-10"],
  [{ kind: "pgd", steps: 20, norm: "L2" }, "pgd-20-l2"],
  [{ kind: "pgd", steps: 20, loss: "margin" }, "pgd-20-margin"],
  [{ kind: "pgd", steps: 20, norm: "L2", loss: "margin" }, "pgd-20-l2-margin"],
  [{ kind: "pgd", steps: 20, stepSize: "2/255" }, "pgd-20-step-2/255"],
  [{ kind: "pgd", steps: 20, relativeStepSize: 0.1 }, "pgd-20-relative-step-0.1"],
  [{ kind: "pgd", steps: 20, restarts: 5 }, "pgd-20-restarts-5"],
  [{ kind: "pgd", steps: 20, randomStart: false }, "pgd-20-from-clean"],
];

Deno.test("attackName() says what differs from the defaults", () => {
  for (const [spec, name] of NAMES) assertEquals(attackName(spec), name);
});

Deno.test("attackName() does not change where a default is written out", () => {
  assertEquals(attackName({ kind: "fgsm", norm: "Linf", loss: "crossEntropy" }), "fgsm");
  assertEquals(
    attackName({ kind: "pgd", steps: 7, norm: "Linf", loss: "crossEntropy", restarts: 1, randomStart: true }),
    "pgd-7",
  );
});

Deno.test("ATTACKS holds every kind that can be named", () => {
  assertEquals(new Set(Object.keys(ATTACKS)), new Set(NAMES.map(([spec]) => spec.kind)));
});
