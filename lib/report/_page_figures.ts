import { readTextIfExists } from "../core/mod.ts";
import { compileSpec } from "./_compile.ts";
import { escapeHtml } from "./_escape_html.ts";
import { figureSpecs } from "./figures.ts";
import type { PageData, PageSpec } from "./_page_types.ts";
import { renderSvg, type TopLevelSpec } from "./render.ts";
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
  const figures = await drawnIn(folder) ?? await drawn(folder);
  const specs: PageSpec[] = [];
  for (const { spec } of figures) {
    const compiled = await compileSpec(withTooltips(spec));
    specs.push(JSON.parse(JSON.stringify(compiled, (_, value) => value === FONT ? PAGE_FONT : value)));
  }
  return {
    html: figures.map(({ svg, spec }) => {
      const text = escapeHtml(String(spec.description ?? "Figure"));
      return `<figure><img class="still" src="${svgUrl(svg)}" alt="${text}">` +
        // Read out as a whole: its numbers are in the tables, in an order that can be followed.
        `<div class="live" role="img" aria-label="${text}"><div aria-hidden="true"></div></div>` +
        `<figcaption>${text}</figcaption></figure>`;
    }),
    data: { figures: specs, methods: methodsOf(figures.map(({ spec }) => spec)) },
  };
}

interface Figure {
  readonly spec: TopLevelSpec;
  readonly svg: string;
}

/** Undefined where the folder has no figures. */
async function drawnIn(folder: string): Promise<Figure[] | undefined> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(`${folder}/figures`)) {
      if (name.endsWith(".vl.json")) names.push(name.slice(0, -".vl.json".length));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  if (names.length === 0) return undefined;
  return await Promise.all(
    names.sort(compareNames).map(async (name) => {
      const path = `${folder}/figures/${name}`;
      const spec = JSON.parse(await Deno.readTextFile(`${path}.vl.json`)) as TopLevelSpec;
      return { spec, svg: await readTextIfExists(`${path}.svg`) ?? await renderSvg(spec) };
    }),
  );
}

async function drawn(folder: string): Promise<Figure[]> {
  const specs = [...await figureSpecs(folder) ?? []].sort(([a], [b]) => compareNames(a, b));
  const figures: Figure[] = [];
  for (const [, spec] of specs) figures.push({ spec, svg: await renderSvg(spec) });
  return figures;
}

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
