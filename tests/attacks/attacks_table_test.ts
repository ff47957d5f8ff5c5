import { assert, assertEquals } from "@std/assert";
import { attackName, ATTACKS, type AttackSpec, SLOT_ATTACKS } from "../../lib/attacks/mod.ts";

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
  [{ kind: "pgd", steps: 20, loss: "klToClean" }, "pgd-20-kl"],
  [{ kind: "pgd", steps: 20, target: "leastLikely" }, "pgd-20-target-least-likely"],
  [{ kind: "pgd", steps: 20, target: "next", loss: "margin" }, "pgd-20-margin-target-next"],
  [{ kind: "fgsm", norm: "L2", loss: "dlr", samples: 4 }, "fgsm-l2-dlr-samples-4"],
  [{ kind: "pgd", steps: 20, loss: "dlr" }, "pgd-20-dlr"],
  [{ kind: "pgd", steps: 20, loss: "targetedDlr", target: "leastLikely" }, "pgd-20-dlr-target-least-likely"],
  [{ kind: "pgd", steps: 20, samples: 10 }, "pgd-20-samples-10"],
  [{ kind: "pgd", steps: 20, target: 0 }, "pgd-20-target-0"],
  [
    { kind: "pgd", steps: 10, momentum: 1, relativeStepSize: 0.1, randomStart: false },
    "pgd-10-momentum-1-relative-step-0.1-from-clean",
  ],
  [{ kind: "apgd" }, "apgd-ce"],
  [{ kind: "apgd", loss: "dlr", norm: "L2", restarts: 5 }, "apgd-dlr-l2-restarts-5"],
  [{ kind: "apgd", loss: "targetedDlr" }, "apgd-t"],
  [{ kind: "apgd", loss: "targetedDlr", norm: "L1", targets: 5, largerReps: true }, "apgd-t-l1-targets-5-larger-reps"],
  [{ kind: "apgd", loss: "margin", steps: 20, rho: 0.5 }, "apgd-margin-steps-20-rho-0.5"],
  [{ kind: "apgd", loss: "dlr", samples: 20 }, "apgd-dlr-samples-20"],
  [{ kind: "fab" }, "fab"],
  [{ kind: "ddn", norm: "L2" }, "ddn-l2"],
  [{ kind: "ddn", norm: "L2", steps: 20, gamma: 0.1, initialNorm: 2 }, "ddn-l2-steps-20-gamma-0.1-initial-norm-2"],
  [{ kind: "fab", targets: 9, restarts: 2 }, "fab-t-restarts-2"],
  [
    { kind: "fab", targets: 3, norm: "L1", alphaMax: 0.2, eta: 1.1, beta: 0.8, steps: 5 },
    "fab-t-l1-steps-5-targets-3-alpha-max-0.2-eta-1.1-beta-0.8",
  ],
  [{ kind: "square" }, "square"],
  [
    { kind: "square", queries: 100, pInit: 0.3, norm: "L2", restarts: 2 },
    "square-l2-queries-100-p-init-0.3-restarts-2",
  ],
  [{ kind: "autoattack" }, "autoattack"],
  [{ kind: "autoattack", norm: "L2", version: "plus" }, "autoattack-l2-plus"],
  [{ kind: "autoattack", version: "rand" }, "autoattack-rand"],
  [{ kind: "autoattack", version: [{ kind: "fgsm" }, { kind: "apgd", loss: "dlr" }] }, "autoattack-of-fgsm+apgd-dlr"],
];

Deno.test("attackName() says what differs from the defaults", () => {
  for (const [spec, name] of NAMES) assertEquals(attackName(spec), name);
});

Deno.test("attackName() does not change where a default is written out", () => {
  assertEquals(attackName({ kind: "fgsm", norm: "Linf", loss: "crossEntropy" }), "fgsm");
  assertEquals(
    attackName({
      kind: "pgd",
      steps: 7,
      norm: "Linf",
      loss: "crossEntropy",
      restarts: 1,
      randomStart: true,
      samples: 1,
    }),
    "pgd-7",
  );
});

Deno.test("the tables of attacks hold kinds that can be named", () => {
  const named = new Set<string>(NAMES.map(([spec]) => spec.kind));
  for (const kind of [...Object.keys(ATTACKS), ...Object.keys(SLOT_ATTACKS)]) assert(named.has(kind), kind);
});
