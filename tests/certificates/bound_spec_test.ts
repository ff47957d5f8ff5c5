import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { boundName, type BoundSpec, checkBoundSpec } from "../../lib/certificates/mod.ts";

Deno.test("names of ways to bound say what they are", () => {
  const optimise = { steps: 20 };
  assertEquals(boundName({ kind: "ibp" }), "ibp");
  assertEquals(boundName({ kind: "crown" }), "crown-ibp");
  assertEquals(boundName({ kind: "crown", intermediate: "crown" }), "crown");
  assertEquals(boundName({ kind: "crown", intermediate: "ibp", optimise }), "alpha-crown-ibp-20");
  assertEquals(boundName({ kind: "crown", intermediate: "crown", optimise }), "alpha-crown-20");
});

Deno.test("ways that cannot be used are refused in one line", () => {
  const refuses = (spec: object, message: string) =>
    assertThrows(() => checkBoundSpec(spec as BoundSpec), UsageError, message);
  refuses({ kind: "zonotope" }, 'Cannot bound margins with kind "zonotope": it needs ibp or crown');
  refuses({ kind: "ibp", optimise: { steps: 1 } }, 'Cannot bound margins with the key "optimise": ibp has kind');
  refuses(
    { kind: "crown", intermediate: "pgd" },
    'Cannot bound margins with intermediate "pgd": it needs ibp or crown',
  );
  refuses(
    { kind: "crown", optimise: { steps: 0 } },
    "Cannot bound margins with steps 0: it needs an integer of 1 or more",
  );
  refuses({ kind: "crown", optimise: { steps: 1, rate: 2 } }, "Cannot bound margins with rate 2: ");
});
