import type { TopLevelSpec } from "vega-lite";
// Not used as a value: it makes the font's package part of the module graph, so that it is fetched with the others.
import "dejavu-fonts-ttf/package.json" with { type: "json" };
import { compileSpec, listening, refuse } from "./_compile.ts";
import { advanceWidths } from "./_font.ts";
import { packageFile } from "./_package_file.ts";

/**
 * Lays a figure out as SVG with texts that still need the font. The same input gives the same text.
 *
 * @throws {TypeError} If Vega-Lite or Vega warns about the specification, or it refers to data outside.
 */
export async function layOut(spec: TopLevelSpec): Promise<string> {
  const [vega, { widthOf }] = await Promise.all([import("vega"), loadFont()]);
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
    return withOwnIds(svg);
  } finally {
    view.finalize();
  }
}

/** Numbers what is referred to by its place in the text: Vega goes on counting from one figure to the next. */
export function withOwnIds(svg: string): string {
  const ids = new Map<string, string>();
  return svg.replace(/(?<=\bid="|url\(#|href="#)[^")]+/g, (id) => {
    if (!ids.has(id)) ids.set(id, `part${ids.size}`);
    return ids.get(id)!;
  });
}

/** The font of every figure, and how wide its texts are. */
interface Font {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly widthOf: (text: string, fontSize: number) => number;
}

let font: Promise<Font> | undefined;

/** Loads the font from its npm package, once. */
export function loadFont(): Promise<Font> {
  font ??= (async () => {
    const bytes = await packageFile("dejavu-fonts-ttf", "ttf/DejaVuSans.ttf");
    return { bytes, widthOf: advanceWidths(bytes) };
  })();
  return font;
}

/** A loader that reads nothing: the data of a figure is inside its specification. */
function closedLoader(): import("vega").Loader {
  const refuse = (uri: string) =>
    Promise.reject(new TypeError(`Cannot draw the figure as it reads "${uri}": put its data inside`));
  return { load: refuse, sanitize: refuse, http: refuse, file: refuse };
}
