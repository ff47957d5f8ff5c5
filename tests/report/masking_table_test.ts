import { assertEquals, assertStringIncludes } from "@std/assert";
import { maskingTable } from "../../lib/report/mod.ts";

Deno.test("maskingTable() writes a line per network and check, and what they cost", () => {
  const row = {
    method: "kdiga",
    check: "noise",
    status: "pass",
    value: -0.1,
    reason: "random noise leaves 60.0 %",
  } as const;
  const table = maskingTable([row, { ...row, check: "transfer", status: "skipped", value: null }], {
    forwardPasses: 300,
    backwardPasses: 100,
  });
  assertEquals(table.rows, [
    ["KDIGA, noise: random noise leaves 60.0 %", "pass"],
    ["KDIGA, transfer: random noise leaves 60.0 %", "skipped"],
  ]);
  assertStringIncludes(table.caption, "Checks for masked gradients: 1 pass, 1 skipped. ");
  assertStringIncludes(table.caption, "They cost 300 images forward and 100 back.");
  assertEquals(maskingTable([row]).caption.includes("cost"), false);
});
