import { progressLine } from "./_progress_line.ts";

/** How {@linkcode showProgress} shows. */
export interface ShowProgressOptions {
  /** Where messages of Jupyter's protocol go. @default {the notebook; nowhere outside of one} */
  readonly broadcast?: (type: string, content: Readonly<Record<string, unknown>>) => Promise<void>;
  /** Milliseconds of a clock. @default {performance.now} */
  readonly now?: () => number;
}

/** Milliseconds between two updates at least. */
const INTERVAL = 200;

/**
 * Shows the progress of long work in a notebook, in one line that is updated in place, at most five times a second:
 * what is being done, percent, time spent and left, the last loss. A line without times is left at the end. Outside of
 * a notebook it shows nothing; events pass through it either way.
 *
 * @param events Events of `run`, `train`, `evaluate` and the like: those with a label (or a row of a training step),
 * what is done and the total are shown.
 * @param options Where to show; for tests.
 * @returns The same events. Leaving the loop early ends the work.
 *
 * @example Usage
 * ```ts
 * import { type Experiment, run, type RunOptions, showProgress } from "@kdiga/kdiga";
 *
 * async function rowsOf(experiment: Experiment, options: RunOptions) {
 *   for await (const event of showProgress(run(experiment, options))) {
 *     if (event.kind === "end") return event.rows;
 *   }
 * }
 * ```
 */
export async function* showProgress<E extends object>(
  events: AsyncIterable<E>,
  { broadcast = findKernel(), now = () => performance.now() }: ShowProgressOptions = {},
): AsyncGenerator<E, void, void> {
  if (broadcast === undefined) return yield* events;
  const line = progressLine();
  const transient = { "display_id": crypto.randomUUID() };
  let shown = now();
  await broadcast("display_data", { data: line.present(shown), metadata: {}, transient });
  const update = (data: object): Promise<void> => broadcast("update_display_data", { data, metadata: {}, transient });
  let finished = false;
  try {
    for await (const event of events) {
      const time = now();
      if (line.take(event, time) && time - shown >= INTERVAL) {
        shown = time;
        await update(line.present(time));
      }
      yield event;
    }
    finished = true;
  } finally {
    await update(line.last(finished));
  }
}

/** What sends to the notebook; undefined in a script and in a browser. */
function findKernel(): ShowProgressOptions["broadcast"] {
  // Deno's property exists everywhere, and throws outside of a kernel.
  try {
    return (globalThis as { Deno?: { jupyter: { broadcast: ShowProgressOptions["broadcast"] } } }).Deno?.jupyter
      .broadcast;
  } catch {
    return undefined;
  }
}
