import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { type CertifiedRow, DataError, UsageError, wilson } from "../../lib/core/mod.ts";
import { certifiedBracket } from "../../lib/report/mod.ts";
import { CERTIFIED } from "./_rows.ts";
import { viewsOf } from "./_spec.ts";

const row = (changed: Partial<CertifiedRow> = {}): CertifiedRow => ({
  method: "kdiga",
  certificate: "crown",
  attack: "pgd-20",
  eps: "8/255",
  n: 100,
  certified: 30,
  attacked: 40,
  ...changed,
});

Deno.test("certifiedBracket() draws a band from the best certificate to the strongest attack, per method and radius", () => {
  const bands = viewsOf(certifiedBracket(CERTIFIED))[0]!.rows;
  assertEquals(bands.map(({ method, eps, lower, upper }) => [method, eps, lower, upper]), [
    ["KDIGA", 0, 80, 80],
    ["KDIGA", 1, 60, 75],
    ["KDIGA", 2, 40, 70],
    ["KDIGA", 8, 2.5, 40],
    ["TRADES", 0, 75, 75],
    ["TRADES", 1, 65, 72.5],
    ["TRADES", 2, 50, 67.5],
    ["TRADES", 8, 10, 45],
  ]);
  const both = [row(), row({ attack: "square", attacked: 60 }), row({ certificate: "ibp", certified: 35 })];
  const [band] = viewsOf(certifiedBracket(both))[0]!.rows;
  assertEquals([band!.lower, band!.upper], [35, 40]);
});

Deno.test("certifiedBracket() gives both ends their Wilson intervals, and each certificate its line", () => {
  const views = viewsOf(certifiedBracket([row()]));
  for (const [i, count] of [30, 40].entries()) {
    const { low, high } = wilson(count, 100);
    assertAlmostEquals(Number(views[1]!.rows[i]!.low), 100 * low, 1e-4);
    assertAlmostEquals(Number(views[1]!.rows[i]!.high), 100 * high, 1e-4);
  }
  const lines = viewsOf(certifiedBracket(CERTIFIED))[2]!.rows;
  assertEquals(
    lines.filter(({ eps }) => eps === 2).map(({ method, end, lower }) => [method, end, lower]),
    [["KDIGA", "CROWN", 40], ["KDIGA", "IBP", 25], ["TRADES", "CROWN", 50]],
  );
});

Deno.test("certifiedBracket() throws where a certified image was broken: a certificate or an attack is wrong", () => {
  assertEquals(
    assertThrows(() => certifiedBracket([row({ certified: 41 })]), DataError).message,
    'Cannot draw "kdiga" at eps 8/255 as "crown" certifies 41 images of which an attack left 40: one of them is wrong, ' +
      "check both",
  );
  // Each row by itself is possible, both together are not.
  assertThrows(
    () =>
      certifiedBracket([
        row({ certified: 39 }),
        row({ certificate: "ibp", attack: "square", certified: 1, attacked: 38 }),
      ]),
    DataError,
    'as "crown" certifies 39 images of which an attack left 38',
  );
  certifiedBracket([row({ certified: 40 })]);
});

Deno.test("certifiedBracket() refuses counts that are none, other images, rows that stand twice or contradict", () => {
  assertThrows(() => certifiedBracket([]), UsageError, "Cannot draw a bracket of certificates without a row");
  for (const wrong of [{ attacked: 101 }, { certified: -1 }, { certified: 0.5 }, { n: 0, certified: 0, attacked: 0 }]) {
    assertThrows(() => certifiedBracket([row(wrong)]), DataError, "images are no counts");
  }
  assertThrows(
    () => certifiedBracket([row(), row({ certificate: "ibp", n: 200 })]),
    DataError,
    'Cannot draw "kdiga" at eps 8/255 as its rows have other numbers of images: keep those of one set',
  );
  assertThrows(
    () => certifiedBracket([row(), row()]),
    DataError,
    'Cannot draw "kdiga" by "crown" at eps 8/255 as it is there twice: keep one row of each attack',
  );
  assertThrows(
    () => certifiedBracket([row(), row({ attack: "square", certified: 29 })]),
    DataError,
    'Cannot draw "kdiga" by "crown" at eps 8/255 as it certifies 30 images and 29: keep one of them',
  );
});
