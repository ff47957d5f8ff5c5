import { assertEquals } from "@std/assert";
import { componentsOf } from "../../lib/attacks/mod.ts";

const names = (spec: Parameters<typeof componentsOf>[0]) => componentsOf(spec).map(({ name }) => name);

Deno.test("componentsOf() has the published ensembles, in their order, with their constants", () => {
  for (const norm of ["Linf", "L2"] as const) {
    assertEquals(componentsOf({ kind: "autoattack", norm }), [
      { name: "apgd-ce", spec: { kind: "apgd", norm } },
      { name: "apgd-t", spec: { kind: "apgd", norm, loss: "targetedDlr", targets: 9 } },
      { name: "fab-t", spec: { kind: "fab", norm, targets: 9 } },
      { name: "square", spec: { kind: "square", norm, queries: 5000 } },
    ]);
  }
  assertEquals(names({ kind: "autoattack", norm: "L1" }), [
    "apgd-ce-restarts-5-larger-reps",
    "apgd-t-targets-5-larger-reps",
    "fab-t",
    "square",
  ]);
  assertEquals(names({ kind: "autoattack", norm: "L2", version: "plus" }), [
    "apgd-ce-restarts-5",
    "apgd-dlr-restarts-5",
    "fab-restarts-5",
    "square",
    "apgd-t",
    "fab-t",
  ]);
});

Deno.test("componentsOf() has the ensemble for random outputs: APGD on two losses, 20 draws per step, one start", () => {
  for (const norm of ["Linf", "L2", "L1"] as const) {
    assertEquals(componentsOf({ kind: "autoattack", norm, version: "rand" }), [
      { name: "apgd-ce-samples-20", spec: { kind: "apgd", norm, samples: 20 } },
      { name: "apgd-dlr-samples-20", spec: { kind: "apgd", norm, loss: "dlr", samples: 20 } },
    ]);
  }
});

Deno.test("componentsOf() gives attacks of one's own the ensemble's norm", () => {
  assertEquals(componentsOf({ kind: "autoattack", norm: "L2", version: [{ kind: "pgd", steps: 3 }] }), [
    { name: "pgd-3", spec: { kind: "pgd", steps: 3, norm: "L2" } },
  ]);
});
