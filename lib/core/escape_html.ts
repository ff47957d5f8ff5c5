/**
 * Writes a text as HTML shows it, inside an element or a quoted attribute.
 *
 * @param text The text.
 * @returns The text with &, <, > and " as entities.
 */
export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
