import { escapeHtml } from "../core/mod.ts";
import { pageScript } from "./_page_script.ts";
import { PAGE_STYLE } from "./_page_style.ts";
import type { PageData } from "./_page_types.ts";
import { vegaRuntime } from "./_vega_runtime.ts";

/** A part of a page under a heading of its own. */
export interface Section {
  /** Name in links. */
  readonly id: string;
  /** Heading. */
  readonly title: string;
  /** Parts of HTML. */
  readonly html: readonly string[];
}

/** What a page shows. */
export interface Page {
  readonly title: string;
  /** HTML between the title and the first section. */
  readonly head: readonly string[];
  readonly sections: readonly Section[];
  /** What the script draws. */
  readonly data: PageData;
}

/**
 * Puts a page together: one file that asks for no other. Its policy allows its own scripts alone, by their digests, and no
 * request and no compiling of text to code. Without scripts all of it is there, the figures as pictures.
 *
 * @param page What it shows.
 * @returns The HTML; the same input gives the same text.
 */
export async function pageHtml({ title, head, sections, data }: Page): Promise<string> {
  const { scripts, licences } = await vegaRuntime();
  const own = `(${pageScript})(globalThis);`;
  // Vega is there for figures alone; without it the page sorts and folds.
  const code = [...(data.figures.length === 0 ? [] : scripts), own].map(asScript);
  const digests = await Promise.all(code.map(digest));
  const policy = [
    "default-src 'none'",
    "img-src data:",
    "style-src 'unsafe-inline'",
    `script-src ${digests.map((each) => `'sha256-${each}'`).join(" ")}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return [
    "<!DOCTYPE html>",
    `<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">`,
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    `<title>${escapeHtml(title)}</title><style>${PAGE_STYLE}</style></head><body><main>`,
    `<h1>${escapeHtml(title)}</h1>`,
    ...head,
    ...(sections.length < 2 ? [] : [
      '<nav aria-label="Contents"><ul>',
      ...sections.map(({ id, title }) => `<li><a href="#${id}">${escapeHtml(title)}</a></li>`),
      "</ul></nav>",
    ]),
    ...sections.flatMap(({ id, title, html }) => [
      `<section id="${id}" aria-label="${escapeHtml(title)}">`,
      `<h2>${escapeHtml(title)}</h2>`,
      ...html,
      "</section>",
    ]),
    '</main><dl id="tip" hidden></dl>',
    // A "<" inside a text could end the element.
    `<script type="application/json" id="page-data">${JSON.stringify(data).replaceAll("<", "\\u003c")}</script>`,
    ...(data.figures.length === 0 ? [] : [`<!--\n${licences.replaceAll("--", "- -")}\n-->`]),
    ...code.map((text) => `<script>${text}</script>`),
    "</body></html>",
    "",
  ].join("\n");
}

/** Code that does not end its element. */
function asScript(code: string): string {
  if (/<\/script|<!--/i.test(code)) {
    throw new TypeError("Cannot put code into a page as it would end its element there");
  }
  return code;
}

async function digest(text: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toBase64();
}
