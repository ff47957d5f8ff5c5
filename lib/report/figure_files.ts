import { renderPdf } from "./render_pdf.ts";
import { PRINT_SCALE, renderPng, renderSvg, type TopLevelSpec } from "./render.ts";

/** What follows a figure's name in the name of a file of it. */
export type FigureEnding = ".vl.json" | ".svg" | ".png" | "_300dpi.png" | ".pdf";

const FORMS: { readonly [E in FigureEnding]: (spec: TopLevelSpec) => Promise<string | Uint8Array> } = {
  ".vl.json": (spec) => Promise.resolve(`${JSON.stringify(spec, null, 2)}\n`),
  ".svg": renderSvg,
  ".png": (spec) => renderPng(spec),
  "_300dpi.png": (spec) => renderPng(spec, { scale: PRINT_SCALE }),
  ".pdf": renderPdf,
};

/**
 * All endings of a figure's files: the Vega-Lite specification (".vl.json"), ".svg", PNG of two pixels per pixel of
 * 1/96 inch for screens (".png") and of 300 dots per inch for print ("_300dpi.png"), and ".pdf" with real text.
 */
export const FIGURE_ENDINGS: readonly FigureEnding[] = Object.keys(FORMS) as FigureEnding[];

/** Endings of the files that a run writes; the others cost as much again and are for print. */
export const SCREEN_ENDINGS: readonly FigureEnding[] = [".vl.json", ".svg", ".png"];

/**
 * Makes the files of a figure.
 *
 * @param spec Vega-Lite specification with its data inside.
 * @param endings Which. @default {all of them}
 * @returns Contents by these endings, in their order.
 * @throws {TypeError} If Vega-Lite or Vega warns about the specification, or it refers to data outside.
 */
export async function figureFiles(
  spec: TopLevelSpec,
  endings: readonly FigureEnding[] = FIGURE_ENDINGS,
): Promise<[FigureEnding, string | Uint8Array][]> {
  const files: [FigureEnding, string | Uint8Array][] = [];
  for (const ending of endings) files.push([ending, await FORMS[ending](spec)]);
  return files;
}
