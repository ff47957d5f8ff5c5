import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { renderSvg, theoryCheck } from "../../lib/report/mod.ts";
import { EPOCHS } from "./_rows.ts";
import { viewsOf } from "./_spec.ts";

Deno.test("theoryCheck() stacks the terms up to the bound, and draws the gaps that were found", () => {
  const [stack, lines, ...others] = viewsOf(theoryCheck(EPOCHS));
  assertEquals(others, [], "the teacher has no theory");
  for (const { epoch, bound } of EPOCHS.filter(({ method }) => method === "kd")) {
    const own = stack!.rows.filter((row) => row.epoch === epoch) as unknown as { from: number; to: number }[];
    assertEquals(own.map(({ from }) => from), [0, ...own.slice(0, 3).map(({ to }) => to)]);
    assertAlmostEquals(own.at(-1)!.to, bound as number, 1e-5);
  }
  assertEquals(lines!.rows.slice(0, 2).map(({ measured, gap }) => [measured, gap]), [
    ["Gap at x′", 0.7],
    ["Gap where LLM was found", 0.6],
  ]);
});

Deno.test("theoryCheck() draws a single epoch, and looks that are epochs apart", async () => {
  const student = EPOCHS.filter(({ method }) => method === "kd");
  await renderSvg(theoryCheck(student.slice(0, 1)));
  await renderSvg(theoryCheck(student.map((row) => ({ ...row, epoch: 10 * row.epoch }))));
});

Deno.test("theoryCheck() refuses rows without the theory", () => {
  assertThrows(
    () => theoryCheck(EPOCHS.filter(({ method }) => method === "teacher")),
    UsageError,
    'Cannot draw the theory as no row has it: train with "watch.theory" set to true',
  );
});
