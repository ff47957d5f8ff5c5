import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { accuracyTable, tableHtml, tableMarkdown, tableText } from "../../lib/report/mod.ts";
import { EVALUATION, shuffled } from "./_rows.ts";

const TABLE = accuracyTable(EVALUATION, { eps: ["8/255"] });

Deno.test("accuracyTable() gives percent with the interval, by method, attack and radius", () => {
  assertEquals(TABLE, {
    caption: "Accuracy in percent [95 % Wilson interval]; n images.",
    columns: ["Method", "n", "Clean", "FGSM 8/255", "PGD-20 8/255"],
    rows: [
      ["Teacher", "200", "93.0 [88.6, 95.8]", "70.0 [63.3, 75.9]", "63.0 [56.1, 69.4]"],
      ["KDIGA", "200", "87.0 [81.6, 91.0]", "59.0 [52.1, 65.6]", "50.0 [43.1, 56.9]"],
      ["my net", "200", "95.0 [91.0, 97.3]", "12.0 [8.2, 17.2]", "0.0 [0.0, 1.9]"],
    ],
  });
});

Deno.test("accuracyTable() does not depend on the order of the rows", () => {
  assertEquals(accuracyTable(shuffled(EVALUATION), { eps: ["8/255"] }), TABLE);
});

Deno.test("accuracyTable() sorts radii as numbers and attacks by strength", () => {
  const more = EVALUATION.flatMap((row) =>
    row.attack === "pgd-20" && row.eps === "8/255"
      ? [row, { ...row, eps: "16/255" }, { ...row, attack: "worst" }, { ...row, attack: "pgd-100" }]
      : [row]
  );
  assertEquals(accuracyTable(more, { eps: ["8/255", "16/255"] }).columns.slice(2), [
    "Clean",
    "FGSM 8/255",
    "PGD-20 8/255",
    "PGD-20 16/255",
    "PGD-100 8/255",
    "Worst case 8/255",
  ]);
});

Deno.test("accuracyTable() shows a missing row as a dash and unequal numbers of images as a range", () => {
  const rows = EVALUATION.filter((row) => row.method !== "teacher" || row.attack !== "pgd-20")
    .map((row) => row.method === "teacher" && row.attack === "fgsm" ? { ...row, n: 50 } : row);
  const [teacher] = accuracyTable(rows, { eps: ["8/255"] }).rows;
  assertEquals(teacher, ["Teacher", "50 to 200", "93.0 [88.6, 95.8]", "70.0 [63.3, 75.9]", "-"]);
});

Deno.test("accuracyTable() refuses an unknown attack, naming those there are", () => {
  assertThrows(
    () => accuracyTable(EVALUATION, { attacks: ["cw"] }),
    UsageError,
    'Cannot draw attack "cw" as no row has it: choose one of fgsm, pgd-20',
  );
});

Deno.test("tableText() lines up its columns", () => {
  assertEquals(
    tableText(TABLE),
    `Method     n              Clean         FGSM 8/255       PGD-20 8/255
---------------------------------------------------------------------
Teacher  200  93.0 [88.6, 95.8]  70.0 [63.3, 75.9]  63.0 [56.1, 69.4]
KDIGA    200  87.0 [81.6, 91.0]  59.0 [52.1, 65.6]  50.0 [43.1, 56.9]
my net   200  95.0 [91.0, 97.3]   12.0 [8.2, 17.2]     0.0 [0.0, 1.9]

Accuracy in percent [95 % Wilson interval]; n images.
`,
  );
});

Deno.test("tableMarkdown() writes a table with the numbers to the right", () => {
  const [head, rule, first] = tableMarkdown(TABLE).split("\n");
  assertEquals(head, "| Method | n | Clean | FGSM 8/255 | PGD-20 8/255 |");
  assertEquals(rule, "| --- | ---: | ---: | ---: | ---: |");
  assertEquals(first, "| Teacher | 200 | 93.0 [88.6, 95.8] | 70.0 [63.3, 75.9] | 63.0 [56.1, 69.4] |");
});

Deno.test("tableMarkdown() and tableHtml() escape names", () => {
  const table = { caption: "c", columns: ["Method"], rows: [["a|b <i>&"]] };
  assertStringIncludes(tableMarkdown(table), "| a\\|b <i>& |");
  assertStringIncludes(tableHtml(table), '<tr><th scope="row">a|b &lt;i&gt;&amp;</th></tr>');
});

Deno.test("tableHtml() writes one cell per text", () => {
  const html = tableHtml(TABLE);
  assertEquals(html.match(/<td>/g)!.length, 3 * 4);
  assertStringIncludes(html, '<tr><th scope="row">my net</th><td>200</td><td>95.0 [91.0, 97.3]</td>');
});
