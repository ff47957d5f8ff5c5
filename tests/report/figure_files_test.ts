import { assertEquals } from "@std/assert";
import { FIGURE_ENDINGS, figureFiles, renderPdf, renderPng, renderSvg, robustnessCurve } from "../../lib/report/mod.ts";
import { EVALUATION } from "./_rows.ts";

Deno.test("figureFiles() gives every form of a figure, PNG at 2 and at 300 / 96 pixels a pixel", async () => {
  const spec = robustnessCurve(EVALUATION);
  const files = await figureFiles(spec);
  assertEquals(files.map(([ending]) => ending), [".vl.json", ".svg", ".png", "_300dpi.png", ".pdf"]);
  assertEquals(files.map(([ending]) => ending), FIGURE_ENDINGS);
  const contents = Object.fromEntries(files);
  assertEquals(JSON.parse(String(contents[".vl.json"])), JSON.parse(JSON.stringify(spec)));
  assertEquals(contents[".svg"], await renderSvg(spec));
  assertEquals(contents[".png"], await renderPng(spec, { scale: 2 }));
  assertEquals(contents["_300dpi.png"], await renderPng(spec, { scale: 3.125 }));
  assertEquals(contents[".pdf"], await renderPdf(spec));
});
