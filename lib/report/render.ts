import type { TopLevelSpec as VegaLiteSpec } from "vega-lite";
import { encodePng } from "../core/mod.ts";
import { layOut, loadFont, withOwnIds } from "./_lay_out.ts";
import { packageFile } from "./_package_file.ts";
import { FONT } from "./theme.ts";

/** A Vega-Lite specification of a whole figure. */
export type TopLevelSpec = VegaLiteSpec;

/** Scale of {@linkcode renderPng} at which there are 300 dots per inch. */
export const PRINT_SCALE = 300 / 96;

/** Options of {@linkcode renderPng}. */
export interface RenderPngOptions {
  /**
   * Pixels of the image per pixel of 1/96 inch: 2 is sharp on screens, {@linkcode PRINT_SCALE} is for print.
   * @default {2}
   */
  readonly scale?: number;
}

/**
 * Draws a figure as SVG. Texts become outlines, so it looks the same in every viewer, also where no font is installed
 * or embedded fonts are ignored (Inkscape, rsvg-convert, LaTeX); the description of the figure is kept as its title.
 *
 * @param spec Vega-Lite specification with its data inside.
 * @returns The SVG text, as wide as the specification says, in pixels of 1/96 inch. The same input gives the same text.
 * @throws {TypeError} If Vega-Lite or Vega warns about the specification, or it refers to data outside.
 */
export async function renderSvg(spec: TopLevelSpec): Promise<string> {
  const image = await parseSvg(await layOut(spec));
  try {
    const title = escapeXml(String(spec.description ?? "Figure"));
    return withOwnIds(image.toString())
      .replace(/^<svg /, '<svg role="img" ')
      .replace(/>/, `>\n    <title>${title}</title>`)
      .replace(/ (?:d|transform)="[^"]*"/g, (attribute) => attribute.replace(/-?\d+\.\d+(?:e-?\d+)?/g, round));
  } finally {
    image.free();
  }
}

/**
 * Draws a figure as PNG on a white ground. The file says how many dots it has per inch, so that it is printed in the
 * figure's own size (8.5 cm is a column).
 *
 * @param spec Vega-Lite specification with its data inside.
 * @param options Scale.
 * @returns The PNG file.
 * @throws {TypeError} If Vega-Lite or Vega warns about the specification, or it refers to data outside.
 */
export async function renderPng(spec: TopLevelSpec, options: RenderPngOptions = {}): Promise<Uint8Array> {
  return await rasterize(await layOut(spec), options);
}

/**
 * Draws an SVG text as PNG on a white ground, its texts in the font of every figure.
 *
 * @param svg The SVG; images in it as `data:` addresses.
 * @param options Scale.
 * @returns The PNG file.
 */
export async function rasterize(svg: string, options: RenderPngOptions = {}): Promise<Uint8Array> {
  const { scale = 2 } = options;
  const image = await parseSvg(svg, scale);
  try {
    const rendered = image.render();
    try {
      return pngOf(rendered, 96 * scale);
    } finally {
      rendered.free();
    }
  } finally {
    image.free();
  }
}

/** Without transparency and filters, a file is little more than half as long as resvg's own. */
function pngOf(
  { pixels, width, height }: { pixels: Uint8Array; width: number; height: number },
  dotsPerInch: number,
): Uint8Array {
  const rgb = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) rgb.set(pixels.subarray(4 * i, 4 * i + 3), 3 * i);
  return encodePng(rgb, width, height, 3, dotsPerInch);
}

type Resvg = InstanceType<typeof import("@resvg/resvg-wasm").Resvg>;

async function parseSvg(svg: string, scale = 1): Promise<Resvg> {
  const [Resvg, { bytes }] = await Promise.all([loadResvg(), loadFont()]);
  return new Resvg(svg, {
    font: { fontBuffers: [bytes], defaultFontFamily: FONT, sansSerifFamily: FONT },
    fitTo: { mode: "zoom", value: scale },
    background: "white",
  });
}

let resvg: Promise<typeof import("@resvg/resvg-wasm").Resvg> | undefined;

/** Loads the rasteriser from its npm package, once; the figures' data alone do not need it. */
function loadResvg(): Promise<typeof import("@resvg/resvg-wasm").Resvg> {
  resvg ??= (async () => {
    const [{ initWasm, Resvg }, wasm] = await Promise.all([
      import("@resvg/resvg-wasm"),
      packageFile("@resvg/resvg-wasm", "index_bg.wasm"),
    ]);
    await initWasm(wasm);
    return Resvg;
  })();
  return resvg;
}

function round(digits: string): string {
  return String(Math.round(Number(digits) * 100) / 100);
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
