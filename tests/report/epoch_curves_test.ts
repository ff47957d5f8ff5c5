import { assertEquals, assertThrows } from "@std/assert";
import { DataError, UsageError } from "../../lib/core/mod.ts";
import { epochCurves, renderSvg } from "../../lib/report/mod.ts";
import { EPOCHS } from "./_rows.ts";
import { viewsOf } from "./_spec.ts";

Deno.test("epochCurves() draws clean accuracy above attacked accuracy, and marks the best epochs and alarms", () => {
  const views = viewsOf(epochCurves(EPOCHS));
  assertEquals(views.map(({ fields }) => fields[1]), ["clean", "clean", "robust", "robust", "robust", "robust"]);
  assertEquals(views[0]!.rows.map(({ method, epoch, clean }) => [method, epoch, clean]).slice(3, 5), [
    ["Teacher", 4, 77],
    ["KD", 1, 60],
  ]);
  const at = (view: number) => views[view]!.rows.map(({ method, epoch }) => [method, epoch]);
  // The teacher's epochs 3 and 4 are as good under attack, the earlier is better without.
  assertEquals([at(4), at(5)], [[["Teacher", 3], ["KD", 3]], [["KD", 4]]]);
});

Deno.test("epochCurves() draws a single epoch, and no alarms", async () => {
  await renderSvg(epochCurves(EPOCHS.slice(0, 1)));
});

Deno.test("epochCurves() refuses no rows, and rows that stand twice", () => {
  assertThrows(() => epochCurves([]), UsageError, "Cannot draw curves over epochs without a row: train with a watch");
  assertEquals(
    assertThrows(() => epochCurves([...EPOCHS, EPOCHS[1]!]), DataError).message,
    'Cannot draw "kd" as epoch 2 is there twice: keep one row of each',
  );
});
