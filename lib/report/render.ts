import type { TopLevelSpec as VegaLiteSpec } from "vega-lite";
// Not used as a value: it makes the font's package part of the module graph, so that it is fetched with the others.
import "dejavu-fonts-ttf/package.json" with { type: "json" };
import { compileSpec, listening, refuse } from "./_compile.ts";
import { advanceWidths } from "./_font.ts";
import { packageFile } from "./_package_file.ts";
import { FONT } from "./theme.ts";

/** A Vega-Lite specification of a whole figure. */
export type TopLevelSpec = VegaLiteSpec;

/** Options of {@linkcode renderPng}. */
export interface RenderPngOptions {
  /**
   * Pixels of the image per pixel of 1/96 inch: 2 is sharp on screens, 3.125 is 300 dots per inch.
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
 * Draws a figure as PNG on a white ground.
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
  const image = await parseSvg(svg, options.scale ?? 2);
  try {
    const rendered = image.render();
    try {
      return rendered.asPng();
    } finally {
      rendered.free();
    }
  } finally {
    image.free();
  }
}

type Resvg = InstanceType<typeof import("@resvg/resvg-wasm").Resvg>;

/** SVG with texts that still need the font. */
async function layOut(spec: TopLevelSpec): Promise<string> {
  const [vega, { widthOf }] = await Promise.all([import("vega"), loadDrawing()]);
  const metrics =
    (vega as unknown as { textMetrics: { width: (item: { fontSize?: number }, text: unknown) => number } })
      .textMetrics;
  metrics.width = (item, text) => widthOf(String(text ?? ""), item.fontSize ?? 11);

  const warnings: string[] = [];
  const logger = listening(warnings);
  const view = new vega.View(vega.parse(await compileSpec(spec)), { renderer: "none", logger, loader: closedLoader() });
  try {
    const svg = await view.toSVG();
    refuse(warnings);
    return svg;
  } finally {
    view.finalize();
  }
}

async function parseSvg(svg: string, scale = 1): Promise<Resvg> {
  const { Resvg, font } = await loadDrawing();
  return new Resvg(svg, {
    font: { fontBuffers: [font], defaultFontFamily: FONT, sansSerifFamily: FONT },
    fitTo: { mode: "zoom", value: scale },
    background: "white",
  });
}

interface Drawing {
  readonly Resvg: typeof import("@resvg/resvg-wasm").Resvg;
  readonly font: Uint8Array;
  readonly widthOf: (text: string, fontSize: number) => number;
}

let drawing: Promise<Drawing> | undefined;

/** Loads the rasteriser and the font from their npm packages, once; the figures' data alone needs neither. */
function loadDrawing(): Promise<Drawing> {
  drawing ??= (async () => {
    const [{ initWasm, Resvg }, wasm, font] = await Promise.all([
      import("@resvg/resvg-wasm"),
      packageFile("@resvg/resvg-wasm", "index_bg.wasm"),
      packageFile("dejavu-fonts-ttf", "ttf/DejaVuSans.ttf"),
    ]);
    await initWasm(wasm);
    return { Resvg, font, widthOf: advanceWidths(font) };
  })();
  return drawing;
}

/** A loader that reads nothing: the data of a figure is inside its specification. */
function closedLoader(): import("vega").Loader {
  const refuse = (uri: string) =>
    Promise.reject(new TypeError(`Cannot draw the figure as it reads "${uri}": put its data inside`));
  return { load: refuse, sanitize: refuse, http: refuse, file: refuse };
}

/** Numbers what is referred to by its place in the text: Vega goes on counting from one figure to the next. */
function withOwnIds(svg: string): string {
  const ids = new Map<string, string>();
  return svg.replace(/(?<=\bid="|url\(#|href="#)[^")]+/g, (id) => {
    if (!ids.has(id)) ids.set(id, `part${ids.size}`);
    return ids.get(id)!;
  });
}

function round(digits: string): string {
  return String(Math.round(Number(digits) * 100) / 100);
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
