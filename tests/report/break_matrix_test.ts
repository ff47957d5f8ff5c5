import { assertEquals, assertThrows } from "@std/assert";
import { DataError, UsageError } from "../../lib/core/mod.ts";
import { breakMatrix } from "../../lib/report/mod.ts";
import { EVIDENCE, STAGES } from "./_rows.ts";
import { viewsOf } from "./_spec.ts";

/** Cells of the first network: [row, column, share, images]. */
function cells(rows: typeof EVIDENCE, options = {}): unknown[][] {
  const [first] = (breakMatrix(rows, options) as unknown as { vconcat: object[] }).vconcat;
  return [...new Set(viewsOf(first as Parameters<typeof viewsOf>[0]).flatMap(({ rows }) => rows))]
    .map(({ row, column, share, failed }) => [row, column, share, failed]);
}
const cell = (row: string, column: string, rows = EVIDENCE): unknown[] =>
  cells(rows).find(([r, c]) => r === row && c === column)!.slice(2);

Deno.test("breakMatrix() counts, of what a row's attack broke, the share that the column's failed on", () => {
  // fgsm  wwwwxxxxxxxx........
  // pgd   wwwwxxxxxxxxxxxx....
  // square wwww..xxxxxx....xx..
  assertEquals(cell("FGSM", "PGD-20"), [0, 0]);
  assertEquals(cell("FGSM", "Square"), [25, 2]);
  assertEquals(cell("PGD-20", "FGSM"), [33.33, 4]);
  assertEquals(cell("PGD-20", "Square"), [50, 6]);
  assertEquals(cell("Square", "FGSM"), [25, 2]);
  assertEquals(cell("Square", "PGD-20"), [25, 2]);
  assertEquals(["FGSM", "PGD-20", "Square"].map((row) => cell(row, "Broken")[1]), [8, 12, 8]);
  assertEquals(["FGSM", "PGD-20", "Square"].map((row) => cell(row, "Alone")[1]), [0, 4, 2]);
});

Deno.test("breakMatrix() does not count images that were wrong, nor those that an attack has not reached", () => {
  const late = EVIDENCE.filter(({ attack, image }) => attack !== "square" || image < 112);
  assertEquals(cell("PGD-20", "FGSM", late), [0, 0]);
  assertEquals(cell("Square", "Alone", late)[1], 0);
  assertEquals(cell("FGSM", "Broken", late)[1], 8);
});

Deno.test("breakMatrix() takes no stages of ensembles, whose rows are of what is left, unless asked", () => {
  const rows = [...EVIDENCE, ...STAGES];
  const columns = (options: object) => [
    ...new Set(
      cells(rows.filter(({ method }) => method === "kdiga"), options)
        .map(([, column]) => column),
    ),
  ];
  assertEquals(new Set(columns({})), new Set(["FGSM", "PGD-20", "Square", "AutoAttack", "Broken", "Alone"]));
  assertEquals(new Set(columns({ attacks: ["fgsm", "square"] })), new Set(["FGSM", "Square", "Broken", "Alone"]));
});

Deno.test("breakMatrix() refuses one attack, unknown ones, radii that attacks do not share, and rows that stand twice", () => {
  assertThrows(
    () => breakMatrix(EVIDENCE.filter(({ attack }) => attack === "fgsm")),
    UsageError,
    'Cannot compare "fgsm" with no other attack: evaluate under two, or draw first breaks',
  );
  assertThrows(
    () => breakMatrix(EVIDENCE, { attacks: ["fgsm", "pgd-10"] }),
    UsageError,
    'Cannot draw attack "pgd-10" as no row has it: choose from fgsm, pgd-20, square',
  );
  assertThrows(() => breakMatrix([]), UsageError, "Cannot draw who broke what as no row has an attack: evaluate under");
  assertThrows(
    () => breakMatrix(EVIDENCE.map((row) => row.attack === "square" ? { ...row, eps: "4/255" } : row)),
    UsageError,
    "Cannot compare fgsm, pgd-20, square as no image was attacked by all at one radius: choose others",
  );
  assertThrows(
    () => breakMatrix(EVIDENCE, { eps: "2/255" }),
    UsageError,
    "Cannot compare fgsm, pgd-20, square as no image was attacked by all at eps 2/255: choose others",
  );
  assertThrows(
    () => breakMatrix([...EVIDENCE, EVIDENCE[5]!]),
    DataError,
    'Cannot draw "kd" under "fgsm" as image 105 is there twice: keep one row of each',
  );
});
