import { encodePng, escapeHtml } from "../core/mod.ts";
import { rasterize } from "./render.ts";
import { COLUMN_WIDTH, estimateWidth, FONT, FONT_SIZE } from "./theme.ts";

/** Images of one kind, one for each line of a grid. */
export interface GridColumn {
  /** Heading. */
  readonly label: string;
  /**
   * Images [N, H, W, C] of 1 or 3 channels: pixels in [0,1], or bytes; where `signed` is given, any finite numbers.
   */
  readonly images: { readonly shape: readonly number[]; readonly data: Float32Array | Uint8Array };
  /**
   * Numbers of either sign, drawn as 1/2 + factor * value, so that grey is 0: the factor, which is said in the heading, or
   * "each" for 1/2 over the largest absolute entry of each image.
   * @default {pixels}
   */
  readonly signed?: number | "each";
  /** Words below each image [N], such as what a network says of it. */
  readonly notes?: readonly string[];
}

/** Options of {@linkcode imageGrid}. */
export interface ImageGridOptions {
  /** Words left of each line [N]. @default {none} */
  readonly rows?: readonly string[];
  /** Lines side by side, each with all columns. @default {1} */
  readonly across?: number;
  /** Heading above the grid. @default {none} */
  readonly title?: string;
  /**
   * Largest width of the whole picture in pixels of 1/96 inch.
   * @default {321}
   */
  readonly width?: number;
  /**
   * Largest side of an image in pixels of 1/96 inch.
   * @default {72}
   */
  readonly cell?: number;
  /**
   * Pixels of the picture per pixel of 1/96 inch.
   * @default {2}
   */
  readonly scale?: number;
}

const GAP = 5;
const EDGE = 4;
const LINE = 12;

/**
 * Draws images in columns, such as clean, perturbation, adversarial and input gradient, as PNG. Small images are enlarged
 * by a whole number, pixel by pixel; larger ones than their place are averaged down.
 *
 * @param columns Images of each column, as many in each.
 * @param options Words, size.
 * @returns The PNG file.
 * @throws {RangeError} If there is no image, columns differ in number, channels are neither 1 nor 3, or a number is not
 * finite.
 */
export async function imageGrid(columns: readonly GridColumn[], options: ImageGridOptions = {}): Promise<Uint8Array> {
  const { rows, across = 1, title, width = COLUMN_WIDTH, cell = 72, scale = 2 } = options;
  const count = columns[0]?.images.shape[0] ?? 0;
  if (count === 0) throw new RangeError("Cannot draw a grid without an image: give one column of one image at least");
  for (const column of columns) check(column, count);
  const beside = Math.min(across, count);
  const left = rows === undefined ? 0 : Math.max(...rows.map((row) => estimateWidth(row, FONT_SIZE.label))) + GAP;
  const places = beside * columns.length;
  const room = (width - 2 * EDGE - beside * left - GAP * (places - 1) - GAP * (beside - 1)) / places;
  const side = Math.max(8, Math.min(cell, Math.floor(room)));
  const sizes = columns.map(({ images }) => sizeIn(side, images.shape, scale));
  const widest = Math.max(...sizes.map((size) => size.width), Math.min(side, 40));
  const highest = Math.max(...sizes.map((size) => size.height));
  const heads = columns.map((column) => wrap(headingOf(column), widest + GAP));
  const notes = columns.map((column) => column.notes?.map((note) => wrap(note, widest + GAP)) ?? []);
  const headLines = Math.max(...heads.map((lines) => lines.length));
  const noteLines = Math.max(0, ...notes.flat().map((lines) => lines.length));
  const pitch = highest + noteLines * LINE + GAP;
  const block = left + columns.length * (widest + GAP) + GAP;
  const whole = Math.ceil(2 * EDGE + beside * block - 2 * GAP);
  const top = EDGE + (title === undefined ? 0 : LINE + 6) + headLines * LINE + 2;
  const caption = wrap(captionOf(columns), whole - 2 * EDGE);
  const below = top + Math.ceil(count / beside) * pitch;

  const parts: string[] = [];
  const text = (words: string, x: number, y: number, anchor = "middle", size: number = FONT_SIZE.label) =>
    parts.push(`<text x="${x}" y="${y}" text-anchor="${anchor}" font-size="${size}">${escapeHtml(words)}</text>`);
  if (title !== undefined) text(title, EDGE, EDGE + LINE - 2, "start", FONT_SIZE.heading);
  for (let b = 0; b < beside; b++) {
    heads.forEach((lines, c) => {
      const x = EDGE + b * block + left + c * (widest + GAP) + widest / 2;
      lines.forEach((line, k) => text(line, x, top - 5 - (lines.length - 1 - k) * LINE));
    });
  }
  for (let i = 0; i < count; i++) {
    const from = EDGE + (i % beside) * block;
    const y = top + Math.floor(i / beside) * pitch;
    if (rows?.[i] !== undefined) text(rows[i]!, from + left - GAP, y + highest / 2 + 3, "end");
    columns.forEach((column, c) => {
      const { width, height, grown } = sizes[c]!;
      const x = from + left + c * (widest + GAP);
      const png = encodePng(...bytesOf(column, i)).toBase64();
      parts.push(
        `<image x="${x + Math.floor((widest - width) / 2)}" y="${y}" width="${width}" height="${height}" ` +
          `${grown ? 'image-rendering="optimizeSpeed" ' : ""}href="data:image/png;base64,${png}"/>`,
      );
      notes[c]![i]?.forEach((line, k) => text(line, x + widest / 2, y + highest + (k + 1) * LINE - 2));
    });
  }
  caption.forEach((line, k) => text(line, EDGE, below + (k + 1) * LINE - 3, "start"));
  const height = Math.ceil(below + caption.length * LINE + EDGE);
  return await rasterize(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${whole}" height="${height}" font-family="${FONT}" ` +
      `fill="#222222">${parts.join("")}</svg>`,
    { scale },
  );
}

/**
 * The heading of a column of a grid, with its factor.
 *
 * @param column The column.
 * @returns "Perturbation ×10".
 */
export function headingOf({ label, signed }: GridColumn): string {
  return typeof signed === "number" && signed !== 1 ? `${label} ×${signed}` : label;
}

/**
 * What is to be said below a grid: where its colours are no pixels.
 *
 * @param columns The columns.
 * @returns One or two sentences; none where all are pixels.
 */
export function captionOf(columns: readonly GridColumn[]): string {
  const signed = columns.filter((column) => column.signed !== undefined);
  const own = signed.filter((column) => column.signed === "each").map(({ label }) => label);
  return [
    ...signed.length === 0 ? [] : ["Grey is 0."],
    ...own.length === 0 ? [] : [`${own.join(", ")}: each image divided by its largest absolute entry.`],
  ].join(" ");
}

function check({ label, images: { shape, data } }: GridColumn, count: number): void {
  if (shape.length !== 4 || shape[3] !== 1 && shape[3] !== 3) {
    throw new RangeError(`Cannot draw "${label}" of shape [${shape}]: it needs [N, H, W, C] of 1 or 3 channels`);
  }
  if (shape[0] !== count) {
    throw new RangeError(`Cannot draw ${shape[0]} images of "${label}" beside ${count}: give as many in each column`);
  }
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad === -1) return;
  const image = Math.floor(bad / (data.length / count));
  throw new RangeError(`Cannot draw image ${image} of "${label}" as it is not finite: ${data[bad]} is in it`);
}

/** An enlargement by a whole number of pixels of the picture, or else as large as the place. */
function sizeIn(side: number, [, height = 1, width = 1]: readonly number[], scale: number) {
  const longest = Math.max(height, width);
  const times = Math.floor(side * scale / longest);
  const factor = times >= 1 ? times / scale : side / longest;
  return { width: width * factor, height: height * factor, grown: times >= 1 };
}

/** Bytes of one image, its columns, rows and channels. */
function bytesOf({ images: { shape, data }, signed }: GridColumn, i: number): Parameters<typeof encodePng> {
  const [, height = 1, width = 1, channels = 1] = shape;
  const size = height * width * channels;
  const own = Array.from(data.subarray(i * size, (i + 1) * size));
  const largest = signed === "each" ? own.reduce((most, value) => Math.max(most, Math.abs(value)), 0) : 0;
  const factor = signed === "each" ? (largest === 0 ? 0 : 0.5 / largest) : signed ?? 1;
  const middle = signed === undefined ? 0 : 0.5;
  const bytes = data instanceof Uint8Array && signed === undefined
    ? own
    : own.map((value) => 255 * (middle + factor * value));
  return [new Uint8Array(Uint8ClampedArray.from(bytes)), width, height, channels as 1 | 3];
}

/** Lines of words no wider than that, where words allow it. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ").filter((word) => word !== "")) {
    const longer = lines.length === 0 ? word : `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && estimateWidth(longer, FONT_SIZE.label) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
