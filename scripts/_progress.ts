import { ProgressBar } from "@std/cli/unstable-progress-bar";
import { eta, formatDuration, type Progress } from "../mod.ts";

/** Draws the progress of long work on standard error: a bar on a terminal, a line now and then elsewhere. */
export interface ProgressDrawer {
  /** Shows how far something has come; another label ends the bar of the one before. */
  readonly show: (progress: Progress) => void;
  /** Prints a line beside the bar. */
  readonly say: (text: string) => void;
  /** Ends the last bar. */
  readonly end: () => Promise<void>;
}

/** Milliseconds between lines where there is no terminal. */
const QUIET_INTERVAL = 15_000;

interface Task {
  readonly label: string;
  readonly start: number;
  readonly from: number;
  bar?: ProgressBar;
  lastLine: number;
}

/** Makes a {@linkcode ProgressDrawer}. */
export function createProgress(): ProgressDrawer {
  const terminal = Deno.stderr.isTerminal();
  let task: Task | undefined;
  let latest: Progress | undefined;

  const line = (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
  const describe = ({ start, from }: Task, { label, done, total, detail }: Progress): string => {
    const left = eta(start, performance.now(), done - from, total - from);
    const share = total > 0 ? Math.floor(100 * done / total) : 100;
    const spent = formatDuration((performance.now() - start) / 1000);
    return `${label}  ${share} %  ${spent} spent, ${formatDuration(left)} left${detail ? `  ${detail}` : ""}`;
  };
  const end = async () => {
    const ending = task;
    task = undefined;
    if (ending?.bar) await ending.bar.stop();
  };

  return {
    show: (progress) => {
      latest = progress;
      const now = performance.now();
      if (task?.label !== progress.label) {
        void end();
        // The first event comes when something is done already: the speed counts from here.
        task = { label: progress.label, start: now, from: progress.done, lastLine: now };
        if (terminal) {
          const current = task;
          task.bar = new ProgressBar({
            writable: nonClosing(),
            max: progress.total,
            keepOpen: true,
            clear: true,
            formatter: (bar) => `${bar.progressBar} ${describe(current, latest ?? progress)}`,
          });
        } else line(describe(task, progress));
      }
      if (task.bar) {
        task.bar.value = progress.done;
        task.bar.max = progress.total;
      } else if (
        now - task.lastLine > QUIET_INTERVAL || progress.done === progress.total && now - task.lastLine > 1000
      ) {
        task.lastLine = now;
        line(describe(task, progress));
      }
    },
    say: (text) => {
      if (task?.bar) Deno.stderr.writeSync(new TextEncoder().encode("\r\x1b[K"));
      line(text);
    },
    end,
  };
}

/** Standard error as a stream that a bar may close without closing standard error. */
function nonClosing(): WritableStream<Uint8Array> {
  return new WritableStream({ write: (chunk) => void Deno.stderr.writeSync(chunk) });
}
