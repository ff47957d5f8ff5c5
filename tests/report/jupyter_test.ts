import { assertEquals, assertStringIncludes } from "@std/assert";
import { accuracyTable, DISPLAY, renderPng, robustnessCurve, show, showTable } from "../../lib/report/mod.ts";
import { EVALUATION } from "./_rows.ts";

Deno.test("show() gives Vega-Lite 5, PNG and text under the key of Deno's notebook kernel", async () => {
  assertEquals(DISPLAY as symbol, Symbol.for("Jupyter.display"));
  const spec = robustnessCurve(EVALUATION);
  const bundle = await show(spec)[DISPLAY]();
  assertEquals(Object.keys(bundle), ["application/vnd.vegalite.v5+json", "image/png", "text/plain"]);
  const [vegaLite, png, text] = Object.values(bundle);
  assertEquals(vegaLite, spec);
  assertStringIncludes(spec.$schema ?? "", "vega-lite/v5.json");
  assertEquals(Uint8Array.fromBase64(png as string), await renderPng(spec));
  assertStringIncludes(text as string, "PGD-20");
});

Deno.test("showTable() gives HTML, Markdown and text", async () => {
  const bundle = await showTable(accuracyTable(EVALUATION))[DISPLAY]();
  assertEquals(Object.keys(bundle), ["text/html", "text/markdown", "text/plain"]);
  for (const content of Object.values(bundle)) assertStringIncludes(content as string, "93.0 [88.6, 95.8]");
});
