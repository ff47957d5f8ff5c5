import { assertEquals } from "@std/assert";
import { evidenceKey } from "../../lib/evaluation/mod.ts";

Deno.test("evidenceKey() is the same for the same subject alone", () => {
  const row = { method: "kd", attack: "pgd-20", eps: "8/255", image: 3 };
  assertEquals(evidenceKey({ ...row }), evidenceKey(row));
  const others = [
    { ...row, method: "kdiga" },
    { ...row, attack: "pgd-2" },
    { ...row, eps: "8/25" },
    { ...row, image: 33 },
    { ...row, method: 'kd","pgd-20', attack: "" },
  ];
  assertEquals(new Set([row, ...others].map(evidenceKey)).size, 6);
});
