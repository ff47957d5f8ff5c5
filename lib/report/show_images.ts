import { captionOf, type GridColumn, headingOf, imageGrid, type ImageGridOptions } from "./image_grid.ts";
import { DISPLAY, type Displayable } from "./jupyter.ts";

/**
 * Makes a grid of images for a notebook, as PNG, and what it shows as text.
 *
 * @param columns Images of each column, as many in each.
 * @param options As of {@linkcode imageGrid}.
 * @returns A value for the last line of a cell.
 */
export function showImages(columns: readonly GridColumn[], options: ImageGridOptions = {}): Displayable {
  return {
    [DISPLAY]: async () => ({
      "image/png": (await imageGrid(columns, options)).toBase64(),
      "text/plain": [
        `${columns[0]?.images.shape[0]} images: ${columns.map(headingOf).join(", ")}.`,
        ...options.rows === undefined ? [] : [`Lines: ${options.rows.join(", ")}.`],
        captionOf(columns),
      ].join(" ").trim(),
    }),
  };
}
