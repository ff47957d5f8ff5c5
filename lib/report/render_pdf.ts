import { layOut, loadFont } from "./_lay_out.ts";
import type { TopLevelSpec } from "./render.ts";

/**
 * Draws a figure as PDF of one page of the figure's own size: lines are lines, and texts are texts in the embedded part
 * of the font, which can be selected and searched. The same input gives the same bytes.
 *
 * @param spec Vega-Lite specification with its data inside.
 * @returns The PDF file.
 * @throws {TypeError} If Vega-Lite or Vega warns about the specification, it refers to data outside, or it has something
 * that is not drawn in a PDF: an image, a radial gradient, or a gradient in a shape that is not a box.
 */
export async function renderPdf(spec: TopLevelSpec): Promise<Uint8Array> {
  const [svg, { bytes }, { default: PDFDocument }] = await Promise.all([layOut(spec), loadFont(), import("pdfkit")]);
  const elements = elementsOf(svg);
  const root = elements[0]!.attributes;
  const title = String(spec.description ?? "Figure");
  const document: Pdf = new PDFDocument({
    size: [POINTS * Number(root.width), POINTS * Number(root.height)],
    margin: 0,
    font: bytes,
    pdfVersion: "1.7",
    lang: "en",
    displayTitle: true,
    info: { Title: title, Producer: "kdiga", Creator: "kdiga", CreationDate: new Date(0) },
  });
  const chunks: Uint8Array[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    document.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    document.on("end", () => resolve());
    document.on("error", reject);
  });
  document.scale(POINTS);
  draw(document, elements);
  document.end();
  await ended;
  return new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

/** Points in a pixel of 1/96 inch. */
const POINTS = 72 / 96;

/** What is used of PDFKit's document, which has no types of its own. */
interface Pdf {
  on(event: string, listener: (chunk: Uint8Array) => void): void;
  end(): void;
  save(): void;
  restore(): void;
  scale(factor: number): void;
  transform(a: number, b: number, c: number, d: number, e: number, f: number): void;
  path(d: string): void;
  rect(x: number, y: number, width: number, height: number): void;
  clip(): void;
  fill(color: Paint): void;
  stroke(color: Paint): void;
  fillAndStroke(fill: Paint, stroke: Paint): void;
  fillColor(color: Paint): void;
  fillOpacity(opacity: number): void;
  strokeOpacity(opacity: number): void;
  lineWidth(width: number): void;
  lineCap(cap: string): void;
  lineJoin(join: string): void;
  miterLimit(limit: number): void;
  addContent(operators: string): void;
  fontSize(size: number): void;
  widthOfString(text: string): number;
  text(text: string, x: number, y: number, options: { lineBreak: boolean; baseline: string }): void;
  linearGradient(x1: number, y1: number, x2: number, y2: number): Gradient;
}

interface Gradient {
  stop(offset: number, color: Paint): void;
}

/** A colour by name or as "#rrggbb", by its parts, or a gradient. */
type Paint = string | readonly number[] | Gradient;

/** The start of an element, with the text behind it, or the end of one. */
interface Element {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Text up to the next element. */
  readonly text: string;
  readonly isEnd: boolean;
}

/** The elements of the SVG in the order of the text. Vega writes no comments, and ends every element that it starts. */
function elementsOf(svg: string): Element[] {
  return [...svg.matchAll(/<(\/?)([a-zA-Z]+)((?: [\w:-]+="[^"]*")*)(\/?)>([^<]*)/g)].flatMap((match) => {
    const [, slash, tag = "", list = "", isEmpty, text = ""] = match;
    const attributes = Object.fromEntries(
      [...list.matchAll(/([\w:-]+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, unescapeXml(value)]),
    );
    const start = { tag, attributes, text: unescapeXml(text), isEnd: slash === "/" };
    return isEmpty === "" ? [start] : [start, { tag, attributes: {}, text: "", isEnd: true }];
  });
}

/** Draws elements: every group, path or text has its transform and its clip to itself. */
function draw(pdf: Pdf, elements: readonly Element[]): void {
  const definitions = definitionsOf(elements);
  // A line of text is a "tspan" of its own where there are several.
  let text: Readonly<Record<string, string>> = {};
  let inDefinitions = false;
  for (const { tag, attributes, text: content, isEnd } of elements) {
    if (tag === "defs") inDefinitions = !isEnd;
    if (inDefinitions || tag === "svg" || tag === "defs") continue;
    if (!SAVED.has(tag)) throw new TypeError(`Cannot draw <${tag}> in a PDF: take the PNG or the SVG`);
    if (isEnd) {
      if (tag !== "tspan") pdf.restore();
      continue;
    }
    if (tag === "tspan") {
      if (attributes.dy !== undefined) pdf.transform(1, 0, 0, 1, 0, Number(attributes.dy));
      drawText(pdf, text, content);
      continue;
    }
    pdf.save();
    transform(pdf, attributes.transform ?? "");
    clip(pdf, definitions.get(idOf(attributes["clip-path"]))?.[1]);
    if (attributes.display === "none" || tag === "g") continue;
    if (tag === "text") {
      text = attributes;
      drawText(pdf, text, content);
    } else drawShape(pdf, tag, attributes, definitions);
  }
}

const SAVED = new Set(["g", "path", "rect", "line", "text", "tspan"]);

/** What can be referred to: the elements of each definition by its id. */
function definitionsOf(elements: readonly Element[]): Map<string, Element[]> {
  const definitions = new Map<string, Element[]>();
  let current: Element[] = [];
  for (const element of elements) {
    const isTop = ["clipPath", "linearGradient", "radialGradient"].includes(element.tag);
    if (isTop && !element.isEnd) definitions.set(element.attributes.id ?? "", current = []);
    if (!element.isEnd) current.push(element);
  }
  return definitions;
}

/** The id in "url(#id)". */
function idOf(reference = ""): string {
  return reference.match(/^url\(#(.*)\)$/)?.[1] ?? "";
}

/** Applies "translate(3,4) rotate(-90) scale(2)". */
function transform(pdf: Pdf, text: string): void {
  for (const [, name, list = ""] of text.matchAll(/(\w+)\(([^)]*)\)/g)) {
    const [a = 0, b] = list.split(/[ ,]+/).map(Number);
    const [cos, sin] = [Math.cos(a * Math.PI / 180), Math.sin(a * Math.PI / 180)];
    if (name === "translate") pdf.transform(1, 0, 0, 1, a, b ?? 0);
    else if (name === "rotate") pdf.transform(cos, sin, -sin, cos, 0, 0);
    else if (name === "scale") pdf.transform(a, 0, 0, b ?? a, 0, 0);
    else throw new TypeError(`Cannot draw "${name}" in a PDF: take the PNG or the SVG`);
  }
}

function clip(pdf: Pdf, shape: Element | undefined): void {
  if (shape === undefined) return;
  outline(pdf, shape.tag, shape.attributes);
  pdf.clip();
}

function outline(pdf: Pdf, tag: string, attributes: Readonly<Record<string, string>>): void {
  const number = (name: string): number => Number(attributes[name] ?? 0);
  if (tag === "path") pdf.path(attributes.d ?? "");
  else if (tag === "line") pdf.path(`M${number("x1")},${number("y1")}L${number("x2")},${number("y2")}`);
  else pdf.rect(number("x"), number("y"), number("width"), number("height"));
}

function drawShape(
  pdf: Pdf,
  tag: string,
  attributes: Readonly<Record<string, string>>,
  definitions: ReadonlyMap<string, readonly Element[]>,
): void {
  const paint = (name: string): Paint | undefined => {
    const value = attributes[name] ?? "none";
    if (value.startsWith("url(")) return gradient(pdf, definitions.get(idOf(value)) ?? [], attributes.d ?? "");
    return value === "none" || value === "transparent" ? undefined : colorOf(value);
  };
  const width = Number(attributes["stroke-width"] ?? 1);
  const fill = paint("fill");
  // In a PDF a line of width 0 is drawn, as thin as it can be.
  const stroke = width === 0 ? undefined : paint("stroke");
  if (fill === undefined && stroke === undefined || attributes.d === "") return;
  outline(pdf, tag, attributes);
  const opacity = Number(attributes.opacity ?? 1);
  if (fill !== undefined) pdf.fillOpacity(opacity * Number(attributes["fill-opacity"] ?? 1));
  if (stroke !== undefined) {
    pdf.strokeOpacity(opacity * Number(attributes["stroke-opacity"] ?? 1));
    pdf.lineWidth(width);
    pdf.lineCap(attributes["stroke-linecap"] ?? "butt");
    pdf.lineJoin(attributes["stroke-linejoin"] ?? "miter");
    pdf.miterLimit(Number(attributes["stroke-miterlimit"] ?? 4));
    const dashes = (attributes["stroke-dasharray"] ?? "").split(/[ ,]+/).filter((dash) => dash !== "").map(Number);
    if (dashes.some((dash) => dash > 0)) {
      pdf.addContent(`[${dashes.join(" ")}] ${Number(attributes["stroke-dashoffset"] ?? 0)} d`);
    }
  }
  if (fill !== undefined && stroke !== undefined) pdf.fillAndStroke(fill, stroke);
  else if (fill !== undefined) pdf.fill(fill);
  else pdf.stroke(stroke!);
}

/** A gradient over a box; its ends are shares of the box. */
function gradient(pdf: Pdf, [head, ...stops]: readonly Element[], d: string): Gradient {
  const box = d.match(/^M(-?[\d.]+),(-?[\d.]+)h([\d.]+)v([\d.]+)h-[\d.]+Z$/)?.slice(1).map(Number);
  if (head?.tag !== "linearGradient" || box === undefined) {
    throw new TypeError("Cannot draw this gradient in a PDF: take the PNG or the SVG");
  }
  const [x = 0, y = 0, width = 0, height = 0] = box;
  const at = (name: string, usual: number): number => Number(head.attributes[name] ?? usual);
  const made = pdf.linearGradient(
    x + width * at("x1", 0),
    y + height * at("y1", 0),
    x + width * at("x2", 1),
    y + height * at("y2", 0),
  );
  for (const { attributes } of stops) {
    made.stop(Number(attributes.offset), colorOf(attributes["stop-color"] ?? "black"));
  }
  return made;
}

function drawText(pdf: Pdf, attributes: Readonly<Record<string, string>>, content: string): void {
  if (content === "") return;
  const fill = attributes.fill ?? "none";
  if (fill === "none" || fill === "transparent") return;
  pdf.fontSize(parseFloat(attributes["font-size"] ?? "11"));
  pdf.fillColor(colorOf(fill));
  pdf.fillOpacity(Number(attributes.opacity ?? 1) * Number(attributes["fill-opacity"] ?? 1));
  const share = { middle: 0.5, end: 1 }[attributes["text-anchor"] ?? "start"] ?? 0;
  pdf.text(content, -share * pdf.widthOfString(content), 0, { lineBreak: false, baseline: "alphabetic" });
}

/** "rgb(1, 2, 3)" by its parts; names and "#rrggbb" as they are. */
function colorOf(text: string): Paint {
  const parts = text.match(/^rgb\((.*)\)$/)?.[1];
  return parts === undefined ? text : parts.split(",").map(Number);
}

function unescapeXml(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&");
}
