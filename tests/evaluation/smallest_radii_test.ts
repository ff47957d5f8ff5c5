import { assertEquals } from "@std/assert";
import { smallestRadii } from "../../lib/evaluation/mod.ts";
import { evidence } from "./_evidence.ts";

Deno.test("smallestRadii() gives the smallest radius at which any attack broke an image, and the attack", () => {
  const rows = [
    ...evidence("clean", "0", "0001"),
    // Image 1 falls at the smaller radius alone: that counts.
    ...evidence("fgsm", "8/255", "1001"),
    ...evidence("fgsm", "2/255", "0101"),
    ...evidence("pgd-20", "8/255", "1101"),
    ...evidence("pgd-20", "0.01", "1001"),
  ];
  const found = smallestRadii([...rows, ...evidence("clean", "0", "0", "kd")]);
  assertEquals(found.map(({ method, image, smallestEps, attack }) => [method, image, smallestEps, attack]), [
    ["kdiga", 0, "0.01", "pgd-20"],
    ["kdiga", 1, "2/255", "fgsm"],
    ["kdiga", 2, "", ""],
    ["kdiga", 3, "0", "clean"],
    ["kd", 0, "", ""],
  ]);
  assertEquals(found[1], {
    method: "kdiga",
    image: 1,
    label: 1,
    cleanMargin: 1,
    smallestEps: "2/255",
    attack: "fgsm",
  });
});
