import { assertEquals, assertStringIncludes } from "@std/assert";
import { METHODS, methodsPage } from "../../lib/objectives/mod.ts";

Deno.test("lib/objectives/README.md is what methodsPage() writes: run deno task methods", async () => {
  assertEquals(await Deno.readTextFile(new URL("../../lib/objectives/README.md", import.meta.url)), methodsPage());
});

Deno.test("methodsPage() has a row of the same columns and a section for each method", () => {
  const lines = methodsPage().split("\n");
  const rows = lines.filter((line) => line.startsWith("| "));
  assertEquals(rows.length, Object.keys(METHODS).length + 2);
  for (const row of rows) assertEquals(row.match(/(?<!\\)\|/g)!.length, 8, row);
  assertEquals(lines.filter((line) => line.startsWith("## ")).length, Object.keys(METHODS).length);
  assertStringIncludes(
    methodsPage(),
    "| KDIGA-ARD, clean gradients | CE(S(x'), y) | ce, kl, iga | x with its gradient, x' | 12 / 14 | 2 / 1 | " +
      "`KDIGA_ARD_CLEAN`, `KDIGA_ARD_RELEASED_CODE` |",
  );
  assertStringIncludes(methodsPage(), "KL(S(x) \\|\\| S(x'))");
});
