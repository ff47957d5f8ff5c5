import { encodePng, escapeHtml, type NdArray } from "../core/mod.ts";
import { in255 } from "./_accuracy.ts";
import { labelOf, methodOrder } from "./theme.ts";

/** Adversarial images that were saved, with their originals. */
export interface ReportImages {
  /** Name of the attacked network. */
  readonly method: string;
  /** The attack. */
  readonly attack: string;
  /** Radius in pixel units as text. */
  readonly eps: string;
  /** Ids of the images in their data set. */
  readonly ids: Int32Array;
  /** Originals [N, H, W, C], pixels in [0, 1]. */
  readonly x: NdArray<"float32">;
  /** Adversarial images, likewise. */
  readonly xAdv: NdArray<"float32">;
  /** True classes [N]. */
  readonly y: NdArray<"int32">;
  /** Margins of the adversarial images [N]: above 0 they are still classified correctly. */
  readonly margin: Float32Array;
}

/** Images shown of a network. */
const SHOWN = 6;
/** Pixels between two images of a strip. */
const GAP = 2;
/** Longest side in pixels; larger images are averaged over squares. */
const LONGEST = 64;

/**
 * Shows some images of every network, under the attack that broke most of them at the largest radius: those that it broke
 * first. Each is a strip of three: the image, ten times the perturbation around grey, the adversarial image.
 *
 * @param images What was saved.
 * @returns Parts of HTML; none where nothing was saved.
 */
export function gallery(images: readonly ReportImages[]): string[] {
  return methodOrder(images.map(({ method }) => method)).flatMap((method) => {
    const own = images.filter((each) => each.method === method);
    const largest = Math.max(...own.map(({ eps }) => in255(eps)));
    const [shown] = own.filter(({ eps }) => in255(eps) === largest).sort((a, b) => brokenBy(b) - brokenBy(a));
    const { attack, eps, ids } = shown!;
    const first = VERDICTS.flatMap((verdict) => Array.from(ids.keys()).filter((i) => verdictOf(shown!, i) === verdict));
    const title = `${labelOf(method)}: ${labelOf(attack)} at ${eps}`;
    return [
      `<h3>${escapeHtml(title)}</h3>`,
      '<div class="strips">',
      ...first.slice(0, SHOWN).map((i) => stripOf(shown!, i)),
      "</div>",
    ];
  });
}

function brokenBy({ margin }: ReportImages): number {
  return margin.reduce((count, value) => count + Number(value <= 0), 0);
}

/** What became of an image, in the order in which they are shown. */
const VERDICTS = ["broken", "stands", "wrong as it is"] as const;

/** Nothing is changed in an image that is misclassified already. */
function verdictOf({ x, xAdv, margin }: ReportImages, i: number): typeof VERDICTS[number] {
  if (margin[i]! > 0) return "stands";
  const size = x.data.length / margin.length;
  const isChanged = x.data.subarray(i * size, (i + 1) * size).some((value, k) => value !== xAdv.data[i * size + k]);
  return isChanged ? "broken" : "wrong as it is";
}

function stripOf(images: ReportImages, i: number): string {
  const { ids, x, xAdv, y } = images;
  const [, height = 0, width = 0, channels = 0] = x.shape;
  const size = height * width * channels;
  const clean = x.data.subarray(i * size, (i + 1) * size);
  const adversarial = xAdv.data.subarray(i * size, (i + 1) * size);
  const perturbation = adversarial.map((value, k) => 0.5 + 10 * (value - clean[k]!));
  const block = Math.ceil(Math.max(height, width) / LONGEST);
  const parts = [clean, perturbation, adversarial].map((pixels) => averaged(pixels, height, width, channels, block));
  const { rows, columns } = parts[0]!;
  const total = 3 * columns + 2 * GAP;
  const source = urlOf(rows, total, (row, column) => {
    const part = Math.floor(column / (columns + GAP));
    const at = column - part * (columns + GAP);
    return at < columns ? parts[part]!.colorAt(row, at) : [1, 1, 1];
  });
  const text = `Image ${ids[i]}, class ${y.data[i]}: ${verdictOf(images, i)}`;
  return `<figure><img class="strip" src="${source}" alt="${text}; the image, ten times the perturbation, the adversarial ` +
    `image"><figcaption>${text}</figcaption></figure>`;
}

type Color = readonly [number, number, number];

interface Averaged {
  readonly rows: number;
  readonly columns: number;
  readonly colorAt: (row: number, column: number) => Color;
}

/** An image whose pixels are means over squares; what is left over at the right and below is cut. */
function averaged(pixels: Float32Array, height: number, width: number, channels: number, block: number): Averaged {
  const mean = (row: number, column: number, channel: number): number => {
    let sum = 0;
    for (let dy = 0; dy < block; dy++) {
      for (let dx = 0; dx < block; dx++) {
        sum += pixels[((row * block + dy) * width + column * block + dx) * channels + Math.min(channel, channels - 1)]!;
      }
    }
    return sum / (block * block);
  };
  return {
    rows: Math.floor(height / block),
    columns: Math.floor(width / block),
    colorAt: (row, column) => [mean(row, column, 0), mean(row, column, 1), mean(row, column, 2)],
  };
}

/** An image as the URL of a PNG file. */
function urlOf(height: number, width: number, colorAt: (row: number, column: number) => Color): string {
  const bytes = new Uint8ClampedArray(3 * height * width);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      bytes.set(colorAt(row, column).map((value) => 255 * value), 3 * (row * width + column));
    }
  }
  return `data:image/png;base64,${encodePng(new Uint8Array(bytes.buffer), width, height, 3).toBase64()}`;
}
