export { escapeHtml } from "../core/mod.ts";
