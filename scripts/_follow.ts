import {
  type AccuracyTable,
  costTable,
  type EvaluationRow,
  readReferences,
  type RunEndEvent,
  type RunEvent,
  type SkippedImage,
  summaryTable,
  tableText,
} from "../mod.ts";
import type { ProgressDrawer } from "./_progress.ts";

const ALARM_TEXT = {
  report: "it trains on",
  stop: "training ends",
  rollBack: "training ends with the weights before",
} as const;

/** What is printed of a run with --json. */
export interface RunResult<R = EvaluationRow> {
  /** The folder. */
  readonly folder: string;
  /** Rows of its table. */
  readonly rows: readonly R[];
  /** Paths of the figures. */
  readonly figures: readonly string[];
  /** Path of the page with all of it. */
  readonly report: string;
  /** Seconds that it took. */
  readonly seconds: number;
}

/** How a run is told. */
export interface FollowOptions {
  readonly progress: ProgressDrawer;
  /** When it began, as `performance.now()` says. */
  readonly start: number;
  /** Whether standard output is left alone. */
  readonly json: boolean;
  /** Stops it. */
  readonly signal: AbortSignal;
}

/** Draws the progress of a run and prints its accuracies at the end, and what they cost. */
export function follow(events: AsyncIterable<RunEvent>, options: FollowOptions): Promise<RunResult> {
  return followTo(events, options, async (rows, folder) => summaryTable(rows, await readReferences(folder)));
}

/** Draws the progress of a run, and prints at the end the table that is made of its rows. */
export async function followTo<R>(
  events: AsyncIterable<Exclude<RunEvent, { readonly kind: "end" }> | RunEndEvent<R>>,
  { progress, start, json, signal }: FollowOptions,
  tableOf: (rows: readonly R[], folder: string) => AccuracyTable | Promise<AccuracyTable>,
): Promise<RunResult<R>> {
  const damaged = damagedFiles(progress);
  let costs: AccuracyTable | undefined;
  for await (const event of events) {
    signal.throwIfAborted();
    if (event.kind === "progress") progress.show(event);
    else if (event.kind === "skipped") damaged.tell(event.name, event.images);
    else if (event.kind === "open") progress.say(`${event.resumed ? "going on in" : "writing to"} ${event.folder}`);
    else if (event.kind === "trained" && event.seconds > 0) {
      const idle = event.waited === undefined
        ? ""
        : `, ${(100 * event.waited / event.seconds).toFixed(1)} % of it waiting for images`;
      progress.say(`trained ${event.name} in ${event.seconds.toFixed(1)} s${idle}`);
    } else if (event.kind === "alarm") {
      const { row: { method, epoch, attack, robustAccuracy }, best, action } = event;
      const fell = `${(100 * best).toFixed(1)} % to ${(100 * robustAccuracy).toFixed(1)} %`;
      progress.say(`alarm: ${method} fell from ${fell} under ${attack} at epoch ${epoch}: ${ALARM_TEXT[action]}`);
    } else if (event.kind === "costs") {
      costs = costTable(event.rows);
    } else if (event.kind === "end") {
      await progress.end();
      damaged.sum();
      const { folder, rows, figures, report } = event;
      const seconds = (performance.now() - start) / 1000;
      if (!json) {
        console.log(`\n${tableText(await tableOf(rows, folder))}\n`);
        if (costs !== undefined) console.log(`${tableText(costs)}\n`);
        for (const path of figures) if (path.endsWith(".svg")) console.log(path);
        console.log(report);
        console.log(`\n${folder} (${seconds.toFixed(1)} s)`);
      }
      return { folder, rows, figures, report, seconds };
    }
  }
  throw new Error("the run ended without a result");
}

/** Files that are told by name; the others are counted. */
const NAMED = 3;

/** Tells of damaged files that were left out: the first of each data set as they come, and their number at the end. */
export function damagedFiles(
  { say }: Pick<ProgressDrawer, "say">,
): { readonly tell: (name: string, images: readonly SkippedImage[]) => void; readonly sum: () => void } {
  const counts = new Map<string, number>();
  return {
    tell: (name, images) => {
      const before = counts.get(name) ?? 0;
      for (const { reason } of images.slice(0, Math.max(0, NAMED - before))) say(`left out of "${name}": ${reason}`);
      counts.set(name, before + images.length);
    },
    sum: () => {
      for (const [name, count] of counts) {
        say(
          `${count} damaged ${
            count === 1 ? "file was" : "files were"
          } left out of "${name}" (manifest.json has their ids)`,
        );
      }
    },
  };
}
