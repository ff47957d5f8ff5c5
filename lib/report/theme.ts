import type { TopLevelSpec } from "./render.ts";

/** Width of a figure that fills one column of a paper: 8.5 cm at 96 pixels an inch. */
export const COLUMN_WIDTH = 321;

/** Font of every text in a figure; the renderer carries it along. */
export const FONT = "DejaVu Sans";

/** Sizes of text in pixels of 1/96 inch: 9.3 px are 7 points in print. */
export const FONT_SIZE = { label: 9.3, title: 10, heading: 10.7 } as const;

/** Version of the Vega-Lite language that figures are written in; notebooks and pages render it. */
export const SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json";

/** How a method is drawn wherever it appears. */
export interface MethodStyle {
  /** Colour as `#rrggbb`. */
  readonly color: string;
  /** Point shape, a second cue beside the colour (print in grey, colour blindness). */
  readonly shape: string;
}

/**
 * Methods whose style is fixed, in the order in which figures and tables list them.
 *
 * Source: Okabe and Ito 2008, Color Universal Design (the first eight, yellow left out as it is too light for lines);
 * Tol 2021, Introduction to colour schemes, "muted" (the rest).
 */
const METHODS = {
  "teacher": { color: "#000000", shape: "square" },
  "natural": { color: "#595959", shape: "cross" },
  "kd": { color: "#56b4e9", shape: "triangle-up" },
  "kdiga": { color: "#d55e00", shape: "circle" },
  "pgd-at": { color: "#009e73", shape: "diamond" },
  "ard": { color: "#0072b2", shape: "triangle-down" },
  "iad": { color: "#cc79a7", shape: "triangle-right" },
  "rslad": { color: "#882255", shape: "triangle-left" },
  "trades": { color: "#e69f00", shape: "cross" },
  "mart": { color: "#332288", shape: "square" },
  "adaad": { color: "#44aa99", shape: "square" },
  "igam": { color: "#999933", shape: "triangle-up" },
  "igdm": { color: "#aa4499", shape: "circle" },
} as const satisfies Record<string, MethodStyle>;

/** Styles for other names; a name's hash chooses where to start looking for one that is free. */
const SPARE: readonly MethodStyle[] = [
  { color: "#b35900", shape: "triangle-left" },
  { color: "#117733", shape: "triangle-right" },
  { color: "#6699cc", shape: "square" },
  { color: "#661100", shape: "cross" },
  { color: "#785ef0", shape: "diamond" },
  { color: "#004949", shape: "triangle-down" },
  { color: "#dc267f", shape: "triangle-up" },
  { color: "#8b6d00", shape: "circle" },
];

const WORDS: Readonly<Record<string, string>> = {
  clean: "Clean",
  worst: "Worst case",
  teacher: "Teacher",
  natural: "Natural",
  square: "Square",
  autoattack: "AutoAttack",
  ce: "CE",
  cw: "CW",
  dlr: "DLR",
  fab: "FAB",
  t: "T",
  fgsm: "FGSM",
  pgd: "PGD",
  apgd: "APGD",
  at: "AT",
  kd: "KD",
  vit: "ViT",
  cnn: "CNN",
  kl: "KL",
  kdiga: "KDIGA",
  iga: "IGA",
  ard: "ARD",
  iad: "IAD",
  rslad: "RSLAD",
  trades: "TRADES",
  mart: "MART",
  adaad: "AdaAD",
  igam: "IGAM",
  igdm: "IGDM",
  crown: "CROWN",
  ibp: "IBP",
  loss: "Total loss",
};

/** Behind the name of a network whose weights are those of its best epoch on validation images. */
const BEST = ".best";

/**
 * Writes a name of a method, an attack or a term as a paper prints it: "pgd-20" is "PGD-20", "teacher" is "Teacher",
 * "kd.best" is "KD (best)".
 *
 * @param name Name as in the rows; words it does not know stay as they are.
 * @returns The text for an axis, a legend or a table.
 */
export function labelOf(name: string): string {
  if (name.endsWith(BEST)) return `${labelOf(name.slice(0, -BEST.length))} (best)`;
  return name.split("-").map((word) => Object.hasOwn(WORDS, word) ? WORDS[word] : word).join("-");
}

/**
 * Puts method names into the order of every figure and table: the known ones as the theme lists them, then the others
 * by code point; the best weights of a method (".best") behind it. Duplicates are dropped.
 *
 * @param names Names in any order.
 * @returns The distinct names, ordered.
 */
export function methodOrder(names: Iterable<string>): string[] {
  const given = new Set(names);
  const known = Object.keys(METHODS).flatMap((name) => [name, name + BEST]).filter((name) => given.delete(name));
  return [...known, ...[...given].sort(compareText)];
}

/**
 * Looks up the style of each method. A known name has the same style in every figure; another name keeps its own as
 * long as no two unknown names of one figure want the same.
 *
 * @param names Names in any order.
 * @returns The style by name, in the order of {@linkcode methodOrder}.
 */
export function methodStyles(names: Iterable<string>): Map<string, MethodStyle> {
  const styles = new Map<string, MethodStyle>();
  const taken = new Set<number>();
  for (const name of methodOrder(names)) {
    if (Object.hasOwn(METHODS, name)) {
      styles.set(name, METHODS[name as keyof typeof METHODS]);
      continue;
    }
    if (taken.size === SPARE.length) taken.clear();
    let index = hash(name) % SPARE.length;
    while (taken.has(index)) index = (index + 1) % SPARE.length;
    taken.add(index);
    styles.set(name, SPARE[index]!);
  }
  return styles;
}

/**
 * Compares two texts by code unit, the same on every machine and in every locale.
 *
 * @returns Negative, zero or positive, as `Array.prototype.sort` wants it.
 */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Estimates how wide a text is in {@linkcode FONT} (its mean advance is 0.6 em).
 *
 * @param text One line.
 * @param fontSize In pixels.
 * @returns Pixels.
 */
export function estimateWidth(text: string, fontSize: number): number {
  return Math.ceil(text.length * fontSize * 0.62);
}

const INK = "#222222";
const text = { labelFont: FONT, titleFont: FONT, labelColor: INK, titleColor: INK } as const;

/** Configuration of every figure: one font, thin dark axes, a pale grid, nothing bold. */
export const THEME: NonNullable<TopLevelSpec["config"]> = {
  background: "white",
  font: FONT,
  view: { stroke: null },
  axis: {
    ...text,
    labelFontSize: FONT_SIZE.label,
    titleFontSize: FONT_SIZE.title,
    titleFontWeight: "normal",
    titlePadding: 5,
    domainColor: INK,
    domainWidth: 0.8,
    tickColor: INK,
    tickWidth: 0.8,
    tickSize: 3.5,
    gridColor: "#dddddd",
    gridWidth: 0.6,
  },
  legend: {
    ...text,
    labelFontSize: FONT_SIZE.label,
    titleFontSize: FONT_SIZE.title,
    symbolOpacity: 1,
    symbolSize: 36,
    symbolStrokeWidth: 1.2,
    columnPadding: 8,
    rowPadding: 1,
    offset: 6,
    title: null,
  },
  title: {
    font: FONT,
    color: INK,
    fontSize: FONT_SIZE.heading,
    fontWeight: "normal",
    anchor: "start",
    frame: "group",
    offset: 6,
  },
  text: { font: FONT, fontSize: FONT_SIZE.label, color: INK },
};

/** FNV-1a over UTF-16 code units. */
function hash(name: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) value = Math.imul(value ^ name.charCodeAt(i), 0x01000193) >>> 0;
  return value;
}
