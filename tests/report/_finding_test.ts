import { assertEquals, assertStringIncludes } from "@std/assert";
import { type EvaluationRow, wilson } from "../../lib/core/mod.ts";
import { finding } from "../../lib/report/_finding.ts";
import { EVALUATION, shuffled } from "./_rows.ts";

function row(method: string, attack: string, eps: string, correct: number, n = 100): EvaluationRow {
  return { method, attack, eps, n, correct, ...wilson(correct, n) };
}

Deno.test("finding() says what each method keeps of the teacher's accuracy under the strongest attack", () => {
  const { text, table } = finding(shuffled(EVALUATION), "teacher")!;
  assertEquals(
    text,
    "Under PGD-20 at 8/255, the strongest attack here, the teacher is right on 63.0 % [56.1, 69.4] of 200 images; " +
      "KDIGA keeps 79 % of that, 50.0 % [43.1, 56.9], below the teacher; " +
      "my net keeps 0 % of that, 0.0 % [0.0, 1.9], below the teacher.",
  );
  assertEquals(table.rows, [
    ["Teacher", "200", "63.0 [56.1, 69.4]", "-", "-"],
    ["KDIGA", "200", "50.0 [43.1, 56.9]", "79 %", "−13.0 [−22.4, −3.3]"],
    ["my net", "200", "0.0 [0.0, 1.9]", "0 %", "−63.0 [−69.4, −55.9]"],
  ]);
});

Deno.test("finding() gives Newcombe's interval of a difference", () => {
  // Newcombe 1998, table II, (a) 56/70 - 48/80, method 10: 0.0524 to 0.3339.
  const rows = [row("kd", "clean", "0", 56, 70), row("teacher", "clean", "0", 48, 80)];
  const { text, table } = finding(rows, "teacher")!;
  assertEquals(table.rows[1]!.at(-1), "+20.0 [+5.2, +33.4]");
  assertStringIncludes(text, "Without attack, the teacher is right on 60.0 %");
  assertStringIncludes(text, "of 70 to 80 images");
  assertStringIncludes(text, "above the teacher.");
});

Deno.test("finding() takes the worst case where it is there, at the largest radius that all have, without stages", () => {
  const rows = ["kd", "teacher"].flatMap((method, i) => [
    row(method, "clean", "0", 90),
    row(method, "autoattack", "4/255", 40 - i),
    row(method, "autoattack.apgd-ce", "4/255", 30),
    row(method, "worst", "4/255", 40 - i),
  ]);
  const { text } = finding([...rows, row("kd", "worst", "8/255", 1)], "teacher")!;
  assertStringIncludes(text, "Under the worst case over all attacks at 4/255, the teacher is right on 39.0 %");
  assertStringIncludes(text, "KD keeps 103 % of that, 40.0 % [30.9, 49.8], not told apart from the teacher.");
});

Deno.test("finding() does without a teacher, and with one that is always wrong", () => {
  const rows = [row("kd", "fgsm", "8/255", 10), row("kdiga", "fgsm", "8/255", 30)];
  const { text, table } = finding(rows, "teacher")!;
  assertStringIncludes(text, "here, on 100 images: KDIGA is right on 30.0 % [21.9, 39.6]; KD is right on 10.0 %");
  assertEquals(table.columns, ["Method", "n", "Accuracy"]);
  const wrong = finding([...rows, row("teacher", "fgsm", "8/255", 0)], "teacher")!;
  assertStringIncludes(wrong.text, "KDIGA is right on 30.0 % [21.9, 39.6], above the teacher");
  assertEquals(wrong.table.rows[1]![3], "-");
});

Deno.test("finding() is silent where the methods share no place", () => {
  assertEquals(finding([], "teacher"), undefined);
  assertEquals(finding([row("kd", "fgsm", "8/255", 1), row("kdiga", "fgsm", "4/255", 1)], "teacher"), undefined);
});
