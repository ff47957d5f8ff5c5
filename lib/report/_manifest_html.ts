import { escapeHtml } from "../core/mod.ts";

/** What the page needs of `manifest.json`, which other programs may have written. */
export type ManifestJson = Readonly<Record<string, unknown>>;

/**
 * Shows a manifest as a table of names and values. `finished` is left out: a run writes its page just before it sets it, and
 * the same page is to come out afterwards.
 */
export function manifestHtml(manifest: ManifestJson): string {
  const rows = Object.entries(manifest).filter(([key]) => key !== "finished").flatMap(([key, value]) =>
    linesOf(key, value)
  );
  return [
    '<table class="facts"><tbody>',
    ...rows.map(([key, text]) => `<tr><th scope="row">${escapeHtml(key)}</th><td>${escapeHtml(text)}</td></tr>`),
    "</tbody></table>",
  ].join("\n");
}

function linesOf(key: string, value: unknown): [string, string][] {
  if (Array.isArray(value)) return value.length === 0 ? [] : [[key, value.map(textOf).join(", ")]];
  if (typeof value !== "object" || value === null) return [[key, textOf(value)]];
  return Object.entries(value).flatMap(([name, inner]) => linesOf(`${key}, ${name}`, inner));
}

function textOf(value: unknown): string {
  if (value === null) return "none";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Facts of a manifest for the head of a page, by name; those that it lacks are left out. */
export function madeBy(manifest: ManifestJson): [string, string][] {
  const { commit, engines, started, seconds, versions } = manifest as {
    readonly commit?: { readonly id?: unknown; readonly dirty?: unknown } | null;
    readonly engines?: unknown;
    readonly started?: unknown;
    readonly seconds?: Readonly<Record<string, unknown>>;
    readonly versions?: { readonly engine?: unknown };
  };
  const first = Array.isArray(started) ? String(started[0] ?? "") : "";
  const total = Object.values(seconds ?? {}).reduce((sum: number, value) => sum + (Number(value) || 0), 0);
  const version = typeof versions?.engine === "string" ? ` (${versions.engine})` : "";
  return [
    ...(Array.isArray(engines) && engines.length > 0
      ? [["Engine", `${engines.join("; ")}${version}`]] as [string, string][]
      : []),
    ...(first === "" ? [] : [["Started", `${first.slice(0, 16).replace("T", " ")} UTC`]] as [string, string][]),
    ...(total > 0 ? [["Time", timeText(total)]] as [string, string][] : []),
    ...(typeof commit?.id === "string"
      ? [["Commit", `${commit.id.slice(0, 12)}${commit.dirty === true ? ", with changes" : ""}`]] as [string, string][]
      : []),
  ];
}

function timeText(seconds: number): string {
  if (seconds < 90) return `${seconds.toFixed(0)} s`;
  return seconds < 5400 ? `${(seconds / 60).toFixed(0)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
