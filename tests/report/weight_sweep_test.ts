import { assert, assertAlmostEquals, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { DataError, UsageError } from "../../lib/core/mod.ts";
import { renderSvg, type TopLevelSpec, weightSweep } from "../../lib/report/mod.ts";
import { WEIGHTS } from "./_rows.ts";
import { viewsOf } from "./_spec.ts";

type Row = Record<string, unknown>;
const rowsNamed = (spec: TopLevelSpec, name: string): Row[] => {
  const found: Row[] = [];
  JSON.stringify(spec, (_, value) => {
    if (value?.name === name) found.push(...value.values);
    return value;
  });
  return found;
};

Deno.test("weightSweep() draws clean and attacked accuracy of each weight, 0 as far to the left as weights are apart", () => {
  const points = rowsNamed(weightSweep(WEIGHTS), "points");
  assertEquals(
    points.filter(({ attack }) => attack === "AutoAttack").map(({ weight, x, accuracy }) => [weight, x, accuracy]),
    [[0, 0.25, 0], [1, 1, 7], [4, 4, 18], [16, 16, 27], [64, 64, 26]],
  );
  assertEquals([...new Set(points.map(({ attack }) => attack))], ["Clean", "PGD-20", "AutoAttack"]);
  for (const { accuracy, low, high } of points) assert(Number(low) <= Number(accuracy) && accuracy! <= high!);
});

Deno.test("weightSweep() writes 0 at its place, and the weights elsewhere", async () => {
  const spec = weightSweep(WEIGHTS);
  const { axis, scale } = (spec as unknown as { layer: { encoding: { x: { axis: Row; scale: Row } } }[] })
    .layer[0]!.encoding.x;
  assertEquals(axis.values, [0.25, 1, 4, 16, 64]);
  assertEquals(axis.labelExpr, 'datum.value < 1 ? "0" : format(datum.value, "~g")');
  assertEquals(scale.domain, [0.25, 64]);
  // Bands and lines end at the least weight above 0; what leads to 0 is drawn apart.
  assertEquals(rowsNamed(spec, "within").some(({ weight }) => weight === 0), false);
  assertEquals(rowsNamed(spec, "links").map(({ weight }) => weight), [0, 1, 0, 1, 0, 1]);
  await renderSvg(spec);
});

Deno.test("weightSweep() draws a sweep without 0, one of 0 alone, and two methods", async () => {
  const positive = weightSweep(WEIGHTS.filter(({ weight }) => weight > 0));
  assertEquals(rowsNamed(positive, "links"), []);
  assertMatch(await renderSvg(positive), /<svg /);
  assertMatch(await renderSvg(weightSweep(WEIGHTS.filter(({ weight }) => weight === 0))), /<svg /);
  assertMatch(await renderSvg(weightSweep(WEIGHTS.filter(({ weight }) => weight === 4))), /<svg /);
  const two = weightSweep([...WEIGHTS, ...WEIGHTS.map((row) => ({ ...row, method: "igdm" }))]);
  const names = rowsNamed(two, "names");
  assertEquals(names.length, 6);
  // Names are at least a line apart.
  const heights = names.map(({ accuracy }) => Number(accuracy)).sort((a, b) => a - b);
  for (const [i, height] of heights.entries()) if (i > 0) assert(height - heights[i - 1]! > 6, heights.join());
  assertAlmostEquals(Number(names[0]!.x), 64 * 256 ** 0.07, 0.01);
});

Deno.test("weightSweep() leaves stages and the worst case out unless asked, and takes a radius", () => {
  const more = WEIGHTS.flatMap((row) =>
    row.attack === "clean" ? [row] : [row, { ...row, eps: "4/255" }, { ...row, attack: "autoattack.apgd-t" }]
  ).filter((row, i, rows) => rows.findIndex((other) => JSON.stringify(other) === JSON.stringify(row)) === i);
  const attacks = (spec: TopLevelSpec) => [...new Set(rowsNamed(spec, "points").map(({ attack }) => attack))];
  assertEquals(attacks(weightSweep(more)), ["Clean", "PGD-20", "AutoAttack"]);
  assertEquals(attacks(weightSweep(more, { attacks: ["pgd-20"], eps: "4/255" })), ["Clean", "PGD-20"]);
  assertMatch(String(weightSweep(more, { eps: "4/255" }).description), /PGD-20, AutoAttack at 4\/255 against/);
  assertEquals(viewsOf(weightSweep(more, { attacks: [] })).flatMap(({ rows }) => rows)[0]!.mark, "//");
});

Deno.test("weightSweep() refuses no rows, unknown attacks, wrong weights, and rows that stand twice", () => {
  assertThrows(
    () => weightSweep([]),
    UsageError,
    "Cannot draw a sweep over a weight without a row: sweep over one first",
  );
  assertThrows(
    () => weightSweep(WEIGHTS, { attacks: ["square"] }),
    UsageError,
    'Cannot draw attack "square" as no row has it: choose one of pgd-20, autoattack',
  );
  assertThrows(
    () => weightSweep(WEIGHTS.map((row) => ({ ...row, weight: row.weight - 1 }))),
    DataError,
    'Cannot draw "kdiga" at weight -1: give a number of at least 0',
  );
  assertThrows(
    () => weightSweep([...WEIGHTS, WEIGHTS[7]!]),
    DataError,
    'Cannot draw "kdiga" under "pgd-20" as weight 4 is there twice: keep one row of each',
  );
  assertThrows(
    () => weightSweep(WEIGHTS.map((row) => row.attack === "pgd-20" ? { ...row, eps: "2/255" } : row)),
    UsageError,
    "Cannot draw pgd-20, autoattack in one figure as they have no radius in common: draw one",
  );
});
