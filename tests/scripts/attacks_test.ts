import { assertEquals, assertThrows } from "@std/assert";
import { attackName, type AttackSpec, UsageError } from "../../mod.ts";
import { attacksOf } from "../../scripts/_attacks.ts";

/** Attacks as people write them, every setting in one of them at least. */
const SPECS: readonly AttackSpec[] = [
  { kind: "fgsm" },
  { kind: "fgsm", norm: "L2", loss: "margin" },
  { kind: "fgsm", loss: "dlr", samples: 8 },
  { kind: "pgd", steps: 20 },
  { kind: "pgd", steps: 20, norm: "L2", loss: "margin", restarts: 5 },
  { kind: "pgd", steps: 20, loss: "dlr" },
  { kind: "pgd", steps: 20, loss: "klToClean", stepSize: "2/255" },
  { kind: "pgd", steps: 10, momentum: 1, relativeStepSize: 0.1, randomStart: false },
  { kind: "pgd", steps: 20, target: "leastLikely", momentum: 0.75 },
  { kind: "pgd", steps: 20, loss: "margin", target: "next" },
  { kind: "pgd", steps: 20, target: 0, stepSize: "0.01" },
  { kind: "pgd", steps: 20, norm: "L2", loss: "targetedDlr", target: "leastLikely", samples: 10 },
  { kind: "pgd", steps: 20, loss: "targetedDlr", target: 3 },
  { kind: "apgd", loss: "crossEntropy" },
  { kind: "apgd", loss: "margin" },
  { kind: "apgd", loss: "dlr", norm: "L2", steps: 50, restarts: 5, rho: 0.5, samples: 20 },
  { kind: "apgd", loss: "targetedDlr", norm: "L1", targets: 5, largerReps: true },
  { kind: "fab" },
  { kind: "fab", norm: "L1", steps: 5, targets: 3, alphaMax: 0.2, eta: 1.1, beta: 0.8 },
  { kind: "fab", targets: 9, restarts: 2 },
  { kind: "ddn", norm: "L2", steps: 20, gamma: 0.1, initialNorm: 2 },
  { kind: "square" },
  { kind: "square", norm: "L2", queries: 1000, pInit: 0.3, restarts: 2 },
  { kind: "autoattack" },
  { kind: "autoattack", norm: "L2", version: "plus" },
  { kind: "autoattack", version: "rand" },
  {
    kind: "autoattack",
    norm: "L2",
    version: [
      { kind: "fgsm" },
      { kind: "pgd", steps: 20, randomStart: false, stepSize: "2/255" },
      { kind: "apgd", loss: "dlr", samples: 4 },
    ],
  },
];

Deno.test("attacksOf() reads every attack by the name that it has in tables", () => {
  for (const spec of SPECS) assertEquals(attacksOf([attackName(spec)]), [spec], attackName(spec));
  const names = SPECS.map(attackName);
  assertEquals(new Set(names).size, names.length);
  assertEquals(attacksOf([names.slice(0, 4).join(","), names.slice(4).join(" , ")]), SPECS);
});

Deno.test("attacksOf() refuses names that no attack has", () => {
  for (
    const name of [
      "cw",
      "",
      "pgd",
      "pgd-",
      "pgd-x",
      "apgd",
      "apgd-ce-margin",
      "pgd-20-margin-l2",
      "apgd-ce-steps-100",
      "pgd-20-momentum",
      "pgd-20-momentum-1e-3",
      "pgd-20-target-cat",
      "pgd-20-samples-1",
      "pgd-20-samples-5-samples-5",
      "pgd-20-dlr-margin",
      "autoattack-plus-rand",
      "autoattack-of",
      "toString",
      "fgsm-toString",
    ]
  ) {
    assertThrows(() => attacksOf([name]), UsageError, `Cannot use `);
  }
  assertThrows(
    () => attacksOf(["pgd-20-margin-l2"]),
    UsageError,
    'Cannot use the attack "pgd-20-margin-l2": write fgsm',
  );
  assertThrows(() => attacksOf(["autoattack-of-fgsm+cw"]), UsageError, 'Cannot use the attack "cw"');
  assertThrows(() => attacksOf(["fgsm-steps-3"]), UsageError, "Cannot use fgsm-steps-3.steps as a fgsm attack has no");
  assertThrows(() => attacksOf(["fab-margin"]), UsageError, "Cannot use fab-margin.loss as a fab attack has no such");
  assertThrows(() => attacksOf(["fgsm-l1"]), UsageError, "Cannot use fgsm-l1.norm as it is");
});
