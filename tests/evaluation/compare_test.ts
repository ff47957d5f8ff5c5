import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { DataError, mcnemar, pairedDifference, UsageError } from "../../lib/core/mod.ts";
import { compare } from "../../lib/evaluation/mod.ts";
import { evidence } from "./_evidence.ts";

const ROWS = [
  ...evidence("clean", "0", "0000000001", "kd"),
  ...evidence("fgsm", "8/255", "1111000001", "kd"),
  ...evidence("pgd-20", "8/255", "1111100001", "kd"),
  ...evidence("pgd-20", "2/255", "1000000001", "kd"),
  ...evidence("clean", "0", "0000000011"),
  ...evidence("pgd-20", "8/255", "1000000011"),
  ...evidence("pgd-20", "2/255", "0000000011"),
];

Deno.test("compare() counts the images on which one network is right and the other is not", () => {
  const rows = compare(ROWS, "kdiga", "kd");
  assertEquals(
    rows.map(({ attack, eps, both, onlyFirst, onlySecond, neither }) =>
      [attack, eps, both, onlyFirst, onlySecond, neither].join(" ")
    ),
    [
      "clean 0 8 0 1 1",
      "pgd-20 2/255 7 1 1 1",
      "pgd-20 8/255 3 4 1 2",
      "worst 2/255 7 1 1 1",
      "worst 8/255 3 4 1 2",
    ],
  );
  const row = rows[2]!;
  const counts = { both: 3, onlyFirst: 4, onlySecond: 1, neither: 2 };
  assertEquals([row.method, row.other, row.n, row.p], ["kdiga", "kd", 10, mcnemar(4, 1)]);
  assertAlmostEquals(row.p, 12 / 32, 1e-15);
  const { difference, low, high } = row;
  assertEquals({ difference, low, high }, pairedDifference(counts));
  assertAlmostEquals(difference, 0.3, 1e-15);
});

Deno.test("compare() takes the images that both have, and says where there is none", () => {
  const cut = ROWS.filter(({ method, image }) => method === "kd" || image < 6);
  assertEquals(compare(cut, "kdiga", "kd").map(({ n }) => n), [6, 6, 6, 6, 6]);
  assertEquals(
    assertThrows(() => compare(ROWS, "kdiga", "teacher"), UsageError).message,
    'Cannot compare "kdiga" with "teacher" as there is no image on which both were evaluated under one attack and ' +
      "radius: evaluate both in the same way",
  );
  assertThrows(() => compare([...ROWS, ROWS[0]!], "kdiga", "kd"), DataError, "stands twice");
});
