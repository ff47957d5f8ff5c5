import { formatDuration, isFinished } from "../mod.ts";
import { createStatusLines } from "./_status_lines.ts";
import { startTask } from "./_task_command.ts";

/** A run that a worker is to finish. */
export interface Job {
  /** Name of its folder. */
  readonly name: string;
  /** Its folder. */
  readonly folder: string;
  /** File of its experiment. */
  readonly file: string;
  /** Names of jobs that must have ended well before. */
  readonly after: readonly string[];
}

/** How jobs are worked off. */
export interface WorkOptions {
  /** Most processes at a time. */
  readonly workers: number;
  /** Flags of `deno task run`. */
  readonly flags: readonly string[];
  /** Where the output of a run that fails is kept. */
  readonly logs: string;
  /** Stops it: every process is told, and waited for. */
  readonly signal: AbortSignal;
}

/** What a job failed of: the last line that it wrote. */
export type Failures = Readonly<Record<string, string>>;

/**
 * Runs each job that is not finished in a process of its own; one that fails does not stop the others, but for those that
 * must come after it.
 *
 * @returns The jobs that failed.
 */
export async function work(jobs: readonly Job[], options: WorkOptions): Promise<Failures> {
  const { workers, signal } = options;
  const status = createStatusLines(jobs.map(({ name }) => name));
  const failures: Record<string, string> = {};
  const done = new Set<string>();
  const waiting = [...jobs];
  const running = new Set<Promise<void>>();
  const end = (job: Job, failure: string | undefined) => {
    done.add(job.name);
    if (failure !== undefined) failures[job.name] = failure;
  };
  const start = async (job: Job) => {
    const failed = job.after.find((name) => Object.hasOwn(failures, name));
    if (failed !== undefined) {
      status.set(job.name, "failed: its teacher failed");
      end(job, `${failed} failed`);
    } else if (await isFinished(job.folder)) {
      status.set(job.name, "finished before");
      end(job, undefined);
    } else {
      const begun = performance.now();
      const failure = await runJob(job, options, (line) => status.set(job.name, line));
      if (signal.aborted) return;
      const seconds = formatDuration((performance.now() - begun) / 1000);
      status.set(job.name, failure === undefined ? `finished in ${seconds}` : `failed: ${failure}`);
      end(job, failure);
    }
  };
  while (waiting.length + running.size > 0 && !signal.aborted) {
    const ready = waiting.findIndex(({ after }) => after.every((name) => done.has(name)));
    if (ready >= 0 && running.size < workers) {
      const task: Promise<void> = start(waiting.splice(ready, 1)[0]!).finally(() => running.delete(task));
      running.add(task);
    } else await Promise.race(running);
  }
  await Promise.all(running);
  status.end();
  signal.throwIfAborted();
  return failures;
}

/** Runs one job; undefined where it went well. */
async function runJob(
  { name, file }: Job,
  { flags, logs, signal }: WorkOptions,
  say: (line: string) => void,
): Promise<string | undefined> {
  const options = { stdin: "null", stdout: "null", stderr: "piped", env: { NO_COLOR: "1" } } as const;
  const child = await startTask("run", [file, "--json", ...flags], options, signal);
  say("starting");
  const lines: string[] = [];
  let rest = "";
  for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    for (const line of parts) {
      if (line.trim() === "") continue;
      lines.push(line);
      say(line);
    }
  }
  const { code, signal: killed } = await child.status;
  if (code === 0) return undefined;
  if (!signal.aborted) {
    await Deno.mkdir(logs, { recursive: true });
    await Deno.writeTextFile(`${logs}/${name}.txt`, [...lines, rest, ""].join("\n"));
  }
  return killed === null ? lines.at(-1) ?? `exit status ${code}` : `ended by ${killed}`;
}
