import { assert, assertEquals } from "@std/assert";
import { epochCurves, renderPng, robustnessBars, robustnessCurve, trainingCurves } from "../../lib/report/mod.ts";
import { withTooltips } from "../../lib/report/_with_tooltips.ts";
import { EPOCHS, EVALUATION, STEPS } from "./_rows.ts";

/** Every mark of a figure that tells of its row, with the field of its height. */
function telling(node: unknown): string[] {
  if (typeof node !== "object" || node === null) return [];
  const { mark, encoding } = node as {
    mark?: { type?: string; tooltip?: unknown };
    encoding?: { y?: { field?: string } };
  };
  const own = mark?.tooltip === undefined ? [] : [`${mark.type} ${encoding?.y?.field}`];
  return [...own, ...Object.entries(node).filter(([key]) => key !== "values").flatMap(([, value]) => telling(value))];
}

Deno.test("withTooltips() lets bars tell of their rows, and puts points over points and lines, but over no name", () => {
  assertEquals(telling(withTooltips(robustnessBars(EVALUATION))), ["bar accuracy", "rule low", "rule low"]);
  assertEquals(telling(withTooltips(robustnessCurve(EVALUATION))), ["point accuracy"]);
  assertEquals(telling(withTooltips(epochCurves(EPOCHS))), ["point clean", "point robust"]);
  assertEquals(telling(withTooltips(trainingCurves(STEPS))), Array(4).fill("point value"));
});

Deno.test("withTooltips() changes nothing for the eye, of any kind of figure", async () => {
  const golden = new URL("../golden/", import.meta.url);
  for await (const { name } of Deno.readDir(golden)) {
    if (!name.endsWith(".vl.json")) continue;
    const spec = JSON.parse(await Deno.readTextFile(new URL(name, golden)));
    const [before, after] = [await renderPng(spec, { scale: 1 }), await renderPng(withTooltips(spec), { scale: 1 })];
    assert(before.length > 2000);
    assert(after.toBase64() === before.toBase64(), name);
  }
});
