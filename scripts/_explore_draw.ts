/// <reference lib="dom" />

/** A line of {@linkcode drawCurve}. */
export interface CurveLine {
  readonly label: string;
  /** `#rrggbb`. */
  readonly color: string;
  readonly isDashed: boolean;
  /** Margin of each image of the path. */
  readonly margins: readonly number[];
}

/**
 * Paints an image, pixel by pixel.
 *
 * @param canvas Where; it gets the size of the image.
 * @param shape Height, width and channels: 3, or 1 for grey.
 * @param valueOf Value in [0, 1] of element i of [H * W * C]; what is outside is clipped.
 */
export function paint(
  canvas: HTMLCanvasElement,
  [height, width, channels]: readonly [number, number, number],
  valueOf: (i: number) => number,
): void {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(width, height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let k = 0; k < 3; k++) {
      image.data[4 * pixel + k] = Math.round(255 * valueOf(pixel * channels + Math.min(k, channels - 1)));
    }
    image.data[4 * pixel + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

const SVG = "http://www.w3.org/2000/svg";
const EDGE = { left: 46, right: 14, top: 26, bottom: 36 } as const;

/**
 * Draws margins over the images of a path, with a line at 0.
 *
 * @param svg Where; it is drawn at the size that it has on the page.
 * @param lines Margins of each network.
 * @param texts What is on the axis below each image; few of them are written.
 * @param least The axis reaches at least to this many images.
 * @param shown The image that is shown now.
 */
export function drawCurve(
  svg: SVGSVGElement,
  lines: readonly CurveLine[],
  texts: readonly string[],
  least: number,
  shown: number,
): void {
  const { width, height } = svg.getBoundingClientRect();
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren();
  const add = (name: string, attributes: Readonly<Record<string, string | number>>, text = ""): void => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
    element.textContent = text;
    svg.append(element);
  };
  const all = lines.flatMap(({ margins }) => margins).filter(Number.isFinite);
  const [low, high] = [Math.min(0, ...all), Math.max(0.001, ...all)];
  const room = 0.06 * (high - low);
  const ticks = ticksOf(low - room, high + room);
  const most = Math.max(least, texts.length - 1, 1);
  const x = (i: number) => EDGE.left + (width - EDGE.left - EDGE.right) * i / most;
  const y = (margin: number) =>
    EDGE.top + (height - EDGE.top - EDGE.bottom) * (high + room - margin) / (high - low + 2 * room);
  for (const tick of ticks) {
    const isZero = Math.abs(tick) < 1e-12;
    const stroke = isZero ? "#1b1b1b" : "#dddddd";
    add("line", { x1: EDGE.left, x2: width - EDGE.right, y1: y(tick), y2: y(tick), stroke });
    add("text", { x: EDGE.left - 6, y: y(tick) + 4, "text-anchor": "end" }, String(Number(tick.toPrecision(6))));
  }
  const every = Math.max(1, Math.ceil(most / Math.max(2, Math.floor(width / 90))));
  for (let i = 0; i <= most; i += every) {
    add("text", { x: x(i), y: height - EDGE.bottom + 16, "text-anchor": "middle" }, texts[i] ?? String(i - 1));
  }
  add("text", { x: (EDGE.left + width - EDGE.right) / 2, y: height - 4, "text-anchor": "middle" }, "step");
  add("line", { x1: x(shown), x2: x(shown), y1: EDGE.top, y2: height - EDGE.bottom, stroke: "#767676" });
  let from = EDGE.left;
  for (const { label, margins, color, isDashed } of lines) {
    const points = margins.map((margin, i) => `${x(i).toFixed(1)},${y(margin).toFixed(1)}`).join(" ");
    const dash = isDashed ? { "stroke-dasharray": "6 4" } : {};
    add("polyline", { points, fill: "none", stroke: color, "stroke-width": 2, ...dash });
    const margin = margins[shown];
    add("line", { x1: from, x2: from + 26, y1: 10, y2: 10, stroke: color, "stroke-width": 2, ...dash });
    add("text", { x: from + 32, y: 14 }, label);
    from += 56 + 8 * label.length;
    if (margin !== undefined) add("circle", { cx: x(shown), cy: y(margin), r: 4.5, fill: color });
  }
}

/** Some four round numbers between two others. */
function ticksOf(low: number, high: number): number[] {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough)!;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}
