import { DISPLAY, type Displayable } from "../core/mod.ts";
import { renderPng, type TopLevelSpec } from "./render.ts";
import { type AccuracyTable, tableHtml, tableMarkdown, tableText } from "./table.ts";

export { DISPLAY, type Displayable };

/**
 * Makes a figure for a notebook, in every form that a viewer may want: Vega-Lite for JupyterLab, PNG for viewers that
 * run nothing (a repository's web page, a printed notebook), and the description as text.
 *
 * @param spec Vega-Lite specification with its data inside.
 * @returns A value for the last line of a cell.
 */
export function show(spec: TopLevelSpec): Displayable {
  return {
    [DISPLAY]: async () => ({
      "application/vnd.vegalite.v5+json": spec,
      "image/png": (await renderPng(spec)).toBase64(),
      "text/plain": String(spec.description ?? "Figure"),
    }),
  };
}

/**
 * Makes a table for a notebook, as HTML, Markdown and text.
 *
 * @param table From `accuracyTable`.
 * @returns A value for the last line of a cell.
 */
export function showTable(table: AccuracyTable): Displayable {
  return {
    [DISPLAY]: () =>
      Promise.resolve({
        "text/html": tableHtml(table),
        "text/markdown": tableMarkdown(table),
        "text/plain": tableText(table),
      }),
  };
}
