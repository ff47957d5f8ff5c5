import { type DisplayBundle, encodePng } from "../core/mod.ts";
import type { Dataset } from "./dataset.ts";

/** Pixels between images, the width of a sheet, the side that small images are enlarged to, and lines at most. */
const [GAP, WIDTH, SIDE, LINES] = [4, 640, 64, 2];

/**
 * Shows the first images of a data set for a notebook: a sheet of them as PNG, and what they are as text.
 *
 * @param dataset Bytes, labels and their names.
 * @param count Images that are no padding.
 */
export function imagesBundle(
  { name, imageShape, classes, images, labels }: Omit<Dataset, "ids">,
  count: number,
): DisplayBundle {
  const [height, width, channels] = imageShape;
  const about = `${name}: ${count} images of ${imageShape.join(" × ")}, ${classes.length} classes`;
  const times = Math.max(1, Math.floor(SIDE / Math.max(height, width)));
  const across = Math.max(1, Math.floor((WIDTH + GAP) / (width * times + GAP)));
  const shown = Math.min(count, across * LINES);
  if (shown === 0 || channels !== 1 && channels !== 3) return { "text/plain": about };

  const columns = Math.min(across, shown);
  const [pitchX, pitchY] = [width * times + GAP, height * times + GAP];
  const sheetWidth = columns * pitchX - GAP;
  const sheetHeight = Math.ceil(shown / columns) * pitchY - GAP;
  const pixels = new Uint8Array(sheetHeight * sheetWidth * channels).fill(255);
  for (let i = 0; i < shown; i++) {
    const left = (i % columns) * pitchX;
    const top = Math.floor(i / columns) * pitchY;
    for (let y = 0; y < height * times; y++) {
      for (let x = 0; x < width * times; x++) {
        const from = ((i * height + Math.floor(y / times)) * width + Math.floor(x / times)) * channels;
        const to = ((top + y) * sheetWidth + left + x) * channels;
        for (let c = 0; c < channels; c++) pixels[to + c] = images[from + c]!;
      }
    }
  }
  const names = Array.from(labels.subarray(0, shown), (label) => classes[label] ?? String(label)).join(", ");
  return {
    "image/png": encodePng(pixels, sheetWidth, sheetHeight, channels).toBase64(),
    "text/plain": `${about}; the first ${shown}: ${names}`,
  };
}
