import { assertEquals } from "@std/assert";
import { matchesGlob } from "../../lib/core/mod.ts";

const CASES: readonly (readonly [glob: string, name: string, matches: boolean])[] = [
  ["", "", true],
  ["", "a", false],
  ["*", "", true],
  ["*", "a.b", true],
  ["layer1.*", "layer1.0.conv1.weight", true],
  ["layer1.*", "layer10.0.conv1.weight", false],
  ["layer1", "layer1.0", false],
  ["*.bias", "fc.bias", true],
  ["*.bias", "fc.bias.x", false],
  ["*bn?.*", "layer1.0.bn2.weight", true],
  ["a*b*c", "aXbXbXc", true],
  ["a*b*c", "aXcXb", false],
  ["?", "", false],
  // A dot is a dot.
  ["fc.w", "fcxw", false],
];

for (const [glob, name, matches] of CASES) {
  Deno.test(`matchesGlob() of "${glob}" ${matches ? "takes" : "leaves"} "${name}"`, () => {
    assertEquals(matchesGlob(glob, name), matches);
  });
}

Deno.test("matchesGlob() takes no exponential time", () => {
  assertEquals(matchesGlob("*a".repeat(40), `${"a".repeat(2000)}b`), false);
});
