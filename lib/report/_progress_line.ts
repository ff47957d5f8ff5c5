import { escapeHtml, eta, formatDuration, type Progress } from "../core/mod.ts";

/** Content of a display by MIME type. */
export interface ProgressBundle {
  readonly "text/html": string;
  readonly "text/plain": string;
}

/** Folds events into what a line of progress says. */
export interface ProgressLine {
  /** Takes an event; false where it tells of no progress. */
  readonly take: (event: object, now: number) => boolean;
  /** How far things are. */
  readonly present: (now: number) => ProgressBundle;
  /** What stays, without times, so that a notebook that is run again is the same. */
  readonly last: (finished: boolean) => ProgressBundle;
}

/** Makes a {@linkcode ProgressLine}. */
export function progressLine(): ProgressLine {
  const losses = new Map<string, string>();
  let current: Progress | undefined;
  // The first event of a label comes when something is done already: the speed counts from there.
  let start = 0;
  let from = 0;
  const share = ({ done, total }: Progress): number => total > 0 ? Math.floor(100 * done / total) : 100;
  const lossOf = (label: string): string => losses.has(label) ? ` (loss ${losses.get(label)})` : "";
  return {
    take: (event, now) => {
      const progress = progressOf(event);
      if (progress === undefined) return false;
      if (progress.label !== current?.label) [start, from] = [now, progress.done];
      current = progress;
      const loss = progress.detail?.match(/\bloss ([^\s,]+)/)?.[1];
      if (loss !== undefined) losses.set(progress.label, loss);
      return true;
    },
    present: (now) => {
      if (current === undefined) return bundle("starting");
      const { label, done, total, detail } = current;
      const left = formatDuration(eta(start, now, done - from, total - from));
      const spent = formatDuration((now - start) / 1000);
      const percent = share(current);
      const text = `${label}  ${percent} %  ${spent} spent, ${left} left${detail === undefined ? "" : `  ${detail}`}`;
      return bundle(text, `<progress value="${percent}" max="100"></progress> `);
    },
    last: (finished) => {
      if (current === undefined) return bundle(finished ? "done" : "stopped");
      const { label } = current;
      if (!finished) return bundle(`stopped: ${label}, ${share(current)} %${lossOf(label)}`);
      const labels = [...new Set([...losses.keys(), label])];
      return bundle(`done: ${labels.map((label) => `${label}${lossOf(label)}`).join(", ")}`);
    },
  };
}

/** Reads an event of progress, or one of a training step, whoever yields it. */
function progressOf(event: object): Progress | undefined {
  const { label, done, total, detail, row } = event as Partial<Progress> & { readonly row?: unknown };
  if (typeof done !== "number" || typeof total !== "number") return undefined;
  const { method, loss } = (row ?? {}) as { readonly method?: unknown; readonly loss?: unknown };
  const name = label ?? (typeof method === "string" ? `train ${method}` : undefined);
  if (name === undefined) return undefined;
  const told = detail ?? (typeof loss === "number" ? `loss ${loss.toFixed(3)}` : undefined);
  return { label: name, done, total, ...(told === undefined ? {} : { detail: told }) };
}

function bundle(text: string, bar = ""): ProgressBundle {
  return { "text/html": `${bar}<code>${escapeHtml(text)}</code>`, "text/plain": text };
}
