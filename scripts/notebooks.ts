/**
 * Checks and runs notebooks from the top, without Jupyter or Python, and says whether every cell ran.
 *
 * @module
 */
import { basename, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError, writeFileAtomic } from "../mod.ts";
import { runCommand } from "./_command.ts";
import { checkNotebooks } from "./_notebook_check.ts";
import { formatNotebook, type NotebookRun, runNotebook, showsFigure } from "./_notebook_client.ts";

/** What is printed of a run with --json. */
interface Report {
  readonly notebook: string;
  readonly ok: boolean;
  readonly cells: number;
  readonly seconds: number;
  readonly failure?: NotebookRun["failure"] | {
    /** Its types are wrong, or it ran and showed no figure. */
    readonly kind: "check" | "figure";
    readonly cell: number;
    readonly message: string;
  };
}

if (import.meta.main) {
  await runCommand({
    name: "notebooks",
    usage: "[notebook.ipynb ...]",
    arity: [0, Infinity],
    about:
      `Check the types of notebooks' cells, run them on Deno's kernel, and check that every cell runs and that each notebook
shows a figure (Vega-Lite, PNG and text); without a notebook, all of the folder notebooks/ in the order of their names.
Exit status: 0 where all of this holds, 1 where something failed, 2 for wrong usage.`,
    flags: {
      update: { help: "write the outputs into the notebooks that ran to the end" },
      "no-check": { help: "run the cells without checking their types" },
      timeout: { value: "SECONDS", help: "longest time of one cell (default: 60)" },
    },
    main: async ({ args, flags, json }) => {
      const timeoutMs = 1000 * Number(flags.timeout ?? 60);
      if (!(timeoutMs > 0)) throw new UsageError(`Cannot use "${flags.timeout}" as --timeout: give seconds above 0`);
      const paths = args.length > 0 ? args : await allNotebooks();

      const stop = new AbortController();
      const signals = ["SIGINT", "SIGTERM"] as const;
      const onSignal = (): void => stop.abort();
      if (Deno.build.os !== "windows") { for (const signal of signals) Deno.addSignalListener(signal, onSignal); }

      const reports: Report[] = [];
      const mistakes = flags["no-check"] ? undefined : await checkNotebooks(paths);
      for (const path of paths) {
        const mistake = mistakes?.get(path);
        const report: Report = mistake === undefined
          ? await runOne(path, { timeoutMs, signal: stop.signal, update: flags.update ?? false, json })
          : { notebook: path, ok: false, cells: 0, seconds: 0, failure: { kind: "check", ...mistake } };
        reports.push(report);
        if (!json) printLine(report);
        if (stop.signal.aborted) break;
      }
      if (!reports.every((report) => report.ok)) Deno.exitCode = 1;
      return reports;
    },
  });
}

interface RunOneOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly update: boolean;
  readonly json: boolean;
}

async function runOne(path: string, { timeoutMs, signal, update, json }: RunOneOptions): Promise<Report> {
  const run = await runNotebook(path, {
    timeoutMs,
    signal,
    onCell: (cell, cells) => {
      if (!json) printProgress(`${basename(path)}  ${cell}/${cells} cells`);
    },
  });
  const message = "it shows no figure as Vega-Lite 5, PNG and text: end a cell with show(...)";
  const failure: Report["failure"] = run.failure ??
    (showsFigure(run.notebook) ? undefined : { kind: "figure", cell: 0, message });
  if (update && failure === undefined) await writeFileAtomic(path, formatNotebook(run.notebook));
  return {
    notebook: path,
    ok: failure === undefined,
    cells: run.cells,
    seconds: Math.round(run.seconds * 10) / 10,
    ...(failure === undefined ? {} : { failure }),
  };
}

async function allNotebooks(): Promise<string[]> {
  const folder = fileURLToPath(new URL("../notebooks/", import.meta.url));
  const names: string[] = [];
  for await (const entry of Deno.readDir(folder)) if (entry.name.endsWith(".ipynb")) names.push(entry.name);
  if (names.length === 0) throw new UsageError(`Cannot run notebooks as "${folder}" has none: name one`);
  return names.sort().map((name) => relative(Deno.cwd(), `${folder}${name}`));
}

/** Rewrites the line of the notebook that runs; only on a terminal. */
function printProgress(text: string): void {
  if (Deno.stdout.isTerminal()) Deno.stdout.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
}

function printLine({ notebook, cells, seconds, failure }: Report): void {
  printProgress("");
  if (failure === undefined) console.log(`${notebook}  ${cells} cells  ${seconds.toFixed(1)} s  ok`);
  else console.error(`Cannot run "${notebook}": ${failure.message}`);
}
