import { escapeHtml, namesIn } from "../core/mod.ts";
import { compileSpec } from "./_compile.ts";
import { figureSpecs } from "./figures.ts";
import { layOut } from "./_lay_out.ts";
import type { PageData, PageSpec } from "./_page_types.ts";
import type { TopLevelSpec } from "./render.ts";
import { compareText, FONT } from "./theme.ts";
import { withTooltips } from "./_with_tooltips.ts";

/** A reader's machine may lack the figures' own font; Verdana is as wide. */
const PAGE_FONT = `${FONT}, Verdana, sans-serif`;

/** Figures of a page. */
export interface PageFigures {
  /** A `<figure>` each: the picture, and the place that the script draws into. */
  readonly html: readonly string[];
  /** What it draws. */
  readonly data: Pick<PageData, "figures" | "methods">;
}

/**
 * The figures of a run folder: those of `figures/` where they were drawn, else drawn from the rows.
 *
 * @param folder Run folder.
 * @returns The figures robustness first, else in the order of their names.
 */
export async function pageFigures(folder: string): Promise<PageFigures> {
  const html: string[] = [];
  const figures: PageSpec[] = [];
  const specs = await specsIn(folder);
  // One after the other: Deno 2.9.6 may panic where several first imports of one package run side by side.
  for (const spec of specs) {
    const compiled = await compileSpec(withTooltips(spec));
    figures.push(JSON.parse(JSON.stringify(compiled, (_, value) => value === FONT ? PAGE_FONT : value)));
    const still = (await layOut(spec)).replaceAll(`font-family="${FONT}"`, `font-family="${PAGE_FONT}"`);
    const text = escapeHtml(String(spec.description ?? "Figure"));
    html.push(
      `<figure><img class="still" src="${svgUrl(still)}" alt="${text}">` +
        // Read out as a whole: its numbers are in the tables, in an order that can be followed.
        `<div class="live" role="img" aria-label="${text}"><div aria-hidden="true"></div></div>` +
        `<figcaption>${text}</figcaption></figure>`,
    );
  }
  return { html, data: { figures, methods: methodsOf(specs) } };
}

/** The figures of the folder where they were drawn, else those that its rows allow. */
async function specsIn(folder: string): Promise<TopLevelSpec[]> {
  const names = await namesIn(`${folder}/figures`, ENDING);
  const byName = names.length === 0
    ? [...await figureSpecs(folder) ?? []]
    : await Promise.all(names.map(async (name): Promise<[string, TopLevelSpec]> => [
      name.slice(0, -ENDING.length),
      JSON.parse(await Deno.readTextFile(`${folder}/figures/${name}`)),
    ]));
  return byName.sort(([a], [b]) => compareNames(a, b)).map(([, spec]) => spec);
}

const ENDING = ".vl.json";

/** What was measured under attack comes first. */
function compareNames(a: string, b: string): number {
  const rank = (name: string): number => Number(!name.startsWith("robustness"));
  return rank(a) - rank(b) || compareText(a, b);
}

/** An SVG inside an attribute: as an image, so that the names in it cannot clash with another's. */
function svgUrl(svg: string): string {
  const escaped = svg.replace(/[%#"\n]/g, (character) => encodeURIComponent(character));
  return `data:image/svg+xml,${escapeHtml(escaped)}`;
}

/** Methods and their colours, as the scales of the figures have them. */
function methodsOf(specs: readonly TopLevelSpec[]): PageData["methods"] {
  const colors = new Map<string, string>();
  const look = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    const { field, scale } = node as { field?: unknown; scale?: { domain?: unknown; range?: unknown } };
    const [domain, range] = [scale?.domain, scale?.range];
    if (field === "method" && Array.isArray(domain) && Array.isArray(range) && String(range[0]).startsWith("#")) {
      domain.forEach((label, i) => colors.has(label) || colors.set(String(label), String(range[i])));
    }
    for (const [key, value] of Object.entries(node)) if (key !== "values" && key !== "config") look(value);
  };
  specs.forEach(look);
  return Array.from(colors, ([label, color]) => ({ label, color }));
}
