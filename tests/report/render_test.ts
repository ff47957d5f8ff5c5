import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertFalse,
  assertGreater,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { crc32 } from "node:zlib";
import { PRINT_SCALE, renderPng, renderSvg, robustnessCurve, type TopLevelSpec } from "../../lib/report/mod.ts";
import { EVALUATION } from "./_rows.ts";

const withText = (text: string): TopLevelSpec => ({
  description: "A <word> & more",
  width: 60,
  height: 20,
  data: { values: [{ text }] },
  mark: { type: "text", fontSize: 12 },
  encoding: { text: { field: "text", type: "nominal" } },
});

Deno.test("renderPng() draws text", async () => {
  const blank = await renderPng(withText(" "));
  const written = await renderPng(withText("word"));
  assertNotEquals(written, blank);
  assertGreater(written.length, blank.length + 100);
});

Deno.test("renderPng() multiplies the size by its scale, 2 where none is given", async () => {
  const spec = robustnessCurve(EVALUATION);
  const width = (png: Uint8Array) => new DataView(png.buffer, png.byteOffset).getUint32(16);
  assertEquals(width(await renderPng(spec)), 642);
  assertEquals(width(await renderPng(spec, { scale: 1 })), 321);
});

Deno.test("renderPng() says how many dots it has per inch, so that it is printed 8.5 cm wide", async () => {
  for (const scale of [2, PRINT_SCALE]) {
    const png = await renderPng(robustnessCurve(EVALUATION), { scale });
    const view = new DataView(png.buffer, png.byteOffset);
    assertEquals(new TextDecoder().decode(png.subarray(37, 41)), "pHYs");
    const [width, perMetre] = [view.getUint32(16), view.getUint32(41)];
    assertAlmostEquals(100 * width / perMetre, 8.5, 0.01);
    assertAlmostEquals(perMetre * 0.0254, 96 * scale, 0.01);
    assertEquals([view.getUint32(45), png[49]], [perMetre, 1]);
    assertEquals(view.getUint32(50), crc32(png.subarray(37, 50)));
  }
});

Deno.test("renderSvg() outlines its texts, so that no font is needed, and keeps the description as its title", async () => {
  const svg = await renderSvg(withText("word"));
  assertFalse(/<text|font-family|@font-face/.test(svg));
  assertStringIncludes(svg, "<title>A &lt;word&gt; &amp; more</title>");
  const outlines = (text: string) => text.match(/ d="[^"]*"/g)?.join("").length ?? 0;
  assertGreater(outlines(svg), outlines(await renderSvg(withText("w"))) + 100);
});

Deno.test("renderSvg() rounds outlines to hundredths of a pixel", async () => {
  const svg = await renderSvg(robustnessCurve(EVALUATION));
  assertFalse(/ d="[^"]*\.\d{3}/.test(svg));
  assert(svg.length < 100_000, `${svg.length} characters`);
});

Deno.test("renderSvg() and renderPng() refuse a specification that Vega-Lite warns about", async () => {
  const spec: TopLevelSpec = {
    data: { values: [{ a: 1 }] },
    mark: "bar",
    encoding: { x: { field: "a", type: "quantitative" }, shape: { field: "a", type: "nominal" } },
  };
  await assertRejects(() => renderSvg(spec), TypeError, "Cannot draw the figure without a warning: shape dropped");
  await assertRejects(() => renderPng(spec), TypeError, "Cannot draw the figure without a warning: shape dropped");
});

Deno.test("renderSvg() refuses a specification that Vega warns about when it runs", async () => {
  const spec: TopLevelSpec = {
    data: { values: [] },
    mark: "point",
    encoding: { x: { field: "a", type: "quantitative" } },
  };
  await assertRejects(() => renderSvg(spec), TypeError, "Cannot draw the figure without a warning: Infinite extent");
});

Deno.test("renderSvg() reads no data from outside", async () => {
  const spec: TopLevelSpec = {
    data: { url: "rows.csv" },
    mark: "point",
    encoding: { x: { field: "a", type: "quantitative", scale: { domain: [0, 1] } } },
  };
  await assertRejects(() => renderSvg(spec), TypeError);
});
