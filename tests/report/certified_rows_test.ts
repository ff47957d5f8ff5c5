import { assertEquals, assertThrows } from "@std/assert";
import { type CertificateRow, DataError } from "../../lib/core/mod.ts";
import { certifiedBracket, certifiedRows } from "../../lib/report/mod.ts";
import { EVIDENCE } from "./_rows.ts";

/** Certificates of images 100, 101, ... of KD: "c" where certified. */
const certificates = (letters: string, changed: Partial<CertificateRow> = {}): CertificateRow[] =>
  [...letters].map((letter, i) => ({
    method: "kd",
    image: 100 + i,
    label: i % 10,
    certificate: "crown",
    norm: "Linf",
    eps: "8/255",
    certified: letter === "c",
    lowerMargin: letter === "c" ? 1 : -1,
    ...changed,
  }));

Deno.test("certifiedRows() counts the images that are certified, and those that stand under every attack", () => {
  // fgsm   wwwwxxxxxxxx........
  // pgd    wwwwxxxxxxxxxxxx....
  // square wwww..xxxxxx....xx..   so that images 118 and 119 stand
  const rows = certifiedRows(certificates("...................c"), EVIDENCE);
  const expected = { method: "kd", certificate: "crown", attack: "worst", eps: "8/255", n: 20, certified: 1 };
  assertEquals(rows, [{ ...expected, attacked: 2 }]);
  certifiedBracket(rows);
  // The images that both looked at.
  assertEquals(certifiedRows(certificates("..........."), EVIDENCE)[0]!.n, 11);
});

Deno.test("certifiedRows() joins equal norms and radii alone", () => {
  assertEquals(certifiedRows(certificates("..", { norm: "L2" }), EVIDENCE), []);
  assertEquals(certifiedRows(certificates("..", { eps: "4/255" }), EVIDENCE), []);
  assertEquals(certifiedRows(certificates("..", { method: "ard" }), EVIDENCE), []);
  const l2 = EVIDENCE.map((row) => ({ ...row, attack: `${row.attack}-l2` }));
  assertEquals(certifiedRows(certificates("..", { norm: "L2" }), l2).length, 1);
  assertEquals(certifiedRows(certificates("..", { eps: `${8 / 255}` }), EVIDENCE).length, 1);
});

Deno.test("certifiedRows() throws where an attack broke a certified image", () => {
  assertEquals(
    assertThrows(() => certifiedRows(certificates("...............c"), EVIDENCE), DataError).message,
    'Cannot believe that "crown" certifies image 115 of "kd" at eps 8/255 as "pgd-20" broke it: one of them is wrong, ' +
      "check both",
  );
});
