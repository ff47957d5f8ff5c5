import { assertEquals, assertStringIncludes } from "@std/assert";
import { verificationTable } from "../../lib/report/mod.ts";

Deno.test("verificationTable() writes the three accuracies beside each other", () => {
  const row = {
    method: "kdiga",
    attack: "pgd-20",
    eps: "8/255",
    transfer: false,
    n: 10,
    claimed: 8,
    correct: 8,
    rounded: 10,
    originals: null,
    claims: [],
  };
  const table = verificationTable([row, { ...row, transfer: true, originals: 9, claims: ["a", "b"] }]);
  const eight = "80.0 [49.0, 94.3]";
  assertEquals(table.rows, [
    ["KDIGA, PGD-20 8/255", "10", eight, eight, "100.0 [72.2, 100.0]", "-", "0"],
    ["KDIGA, PGD-20 8/255 (transfer)", "10", eight, eight, "100.0 [72.2, 100.0]", "9", "2"],
  ]);
  assertStringIncludes(table.caption, "(transfer)");
  assertEquals(verificationTable([row]).caption.includes("transfer"), false);
});
