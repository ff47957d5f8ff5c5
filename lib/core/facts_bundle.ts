import type { DisplayBundle } from "./display.ts";
import { escapeHtml } from "./escape_html.ts";

/**
 * Arranges what is to be known of something for a notebook, as HTML and as text.
 *
 * @param title What it is.
 * @param facts Texts by their names, a line each.
 * @returns A table with the title as its caption.
 */
export function factsBundle(title: string, facts: Readonly<Record<string, string>>): DisplayBundle {
  const lines = Object.entries(facts);
  const width = Math.max(0, ...lines.map(([name]) => name.length));
  const row = ([name, text]: readonly [string, string]): string =>
    `<tr><th scope="row">${escapeHtml(name)}</th><td style="text-align: left">${escapeHtml(text)}</td></tr>\n`;
  return {
    "text/html": `<table>\n<caption>${escapeHtml(title)}</caption>\n${lines.map(row).join("")}</table>\n`,
    "text/plain": [title, ...lines.map(([name, text]) => `${name.padEnd(width)}  ${text}`)].join("\n"),
  };
}
