import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { firstBreaks, type FirstBreaksOptions } from "../../lib/report/mod.ts";
import { EVIDENCE, shuffled, STAGES } from "./_rows.ts";
import { viewsOf } from "./_spec.ts";

const counts = (rows: typeof EVIDENCE, method: string, options: FirstBreaksOptions = {}): unknown[][] =>
  viewsOf(firstBreaks(rows, options))[0]!.rows.filter((row) => row.method === method)
    .map(({ to, count }) => [to, count]);

Deno.test("firstBreaks() gives each image to the first attack that broke it", () => {
  assertEquals(counts(EVIDENCE, "KD"), [
    ["Wrong unattacked", 4],
    ["FGSM", 8],
    ["PGD-20", 4],
    ["Square", 2],
    ["Stands", 2],
  ]);
  assertEquals(counts(EVIDENCE, "KD", { attacks: ["square", "pgd-20"] }), [
    ["Wrong unattacked", 4],
    ["Square", 8],
    ["PGD-20", 6],
    ["Stands", 2],
  ]);
});

Deno.test("firstBreaks() asks the stages of an ensemble in the order in which they ran, whatever that of the rows", () => {
  const expected = [
    ["Wrong unattacked", 4],
    ["APGD-CE", 4],
    ["APGD-T", 3],
    ["FAB-T", 0],
    ["Square", 2],
    ["Stands", 7],
  ];
  assertEquals(counts(STAGES, "KDIGA"), expected);
  assertEquals(counts(shuffled(STAGES), "KDIGA"), expected);
  // Another order of stages, in which names do not stand.
  const turned = STAGES.map((row) => ({
    ...row,
    attack: row.attack.replace("apgd-ce", "x").replace("square", "apgd-ce").replace(".x", ".square"),
  }));
  assertEquals(counts(turned, "KDIGA").map(([to]) => to), [
    "Wrong unattacked",
    "Square",
    "APGD-T",
    "FAB-T",
    "APGD-CE",
    "Stands",
  ]);
});

Deno.test("firstBreaks() fills each bar from 0 to 100 percent without a gap", () => {
  for (const method of ["KD", "KDIGA"]) {
    const parts = viewsOf(firstBreaks(EVIDENCE))[0]!.rows.filter((row) => row.method === method);
    assertEquals(parts.map(({ low }) => low), [0, ...parts.slice(0, -1).map(({ high }) => high)]);
    assertEquals(parts.at(-1)!.high, 100);
  }
});

Deno.test("firstBreaks() refuses rows without an attack, and radii that attacks do not share", () => {
  assertThrows(() => firstBreaks([]), UsageError, "Cannot draw who broke what as no row has an attack: evaluate under");
  assertThrows(
    () => firstBreaks(EVIDENCE, { eps: "2/255" }),
    UsageError,
    "Cannot draw fgsm, pgd-20, square as no image was attacked by all at eps 2/255: choose others",
  );
});
