/**
 * Runs notebooks from the top, without Jupyter or Python, and says whether every cell ran.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { basename, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError, UserError, writeFileAtomic } from "../lib/core/mod.ts";
import { checkNotebook } from "./_notebook_check.ts";
import { formatNotebook, type NotebookRun, runNotebook } from "./_notebook_client.ts";

const HELP = `Run notebooks on Deno's kernel and check that every cell runs.

Usage: deno task notebooks [options] [notebook.ipynb ...]

Without a notebook, all of the folder notebooks/ are run, in the order of their names.

  --update           Write the outputs into the notebooks that ran to the end
  --check            Type-check the cells of each notebook first
  --timeout SECONDS  Longest time of one cell (default 60)
  --json             Print one JSON array instead of lines
  --help             Print this text

Exit status: 0 where every cell ran, 1 where one failed, 2 for wrong usage.`;

/** What is printed of a run with --json. */
interface Report {
  readonly notebook: string;
  readonly ok: boolean;
  readonly cells: number;
  readonly seconds: number;
  readonly failure?: NotebookRun["failure"] | {
    readonly kind: "check";
    readonly cell: number;
    readonly message: string;
  };
}

async function main(args: string[]): Promise<number> {
  const flags = parseArgs(args, {
    boolean: ["update", "check", "json", "help"],
    string: ["timeout", "_"],
    default: { timeout: "60" },
    alias: { help: "h" },
    unknown: (arg, key) => {
      if (key === undefined) return true;
      throw new UsageError(`Cannot use "${arg}" as an option: see --help`);
    },
  });
  if (flags.help) {
    console.log(HELP);
    return 0;
  }
  const timeoutMs = 1000 * Number(flags.timeout);
  if (!(timeoutMs > 0)) throw new UsageError(`Cannot use "${flags.timeout}" as --timeout: give seconds above 0`);
  const given = flags._.map(String);
  const paths = given.length > 0 ? given : await allNotebooks();

  const stop = new AbortController();
  const signals = ["SIGINT", "SIGTERM"] as const;
  const onSignal = (): void => stop.abort();
  if (Deno.build.os !== "windows") { for (const signal of signals) Deno.addSignalListener(signal, onSignal); }

  const reports: Report[] = [];
  for (const path of paths) {
    const report = await runOne(path, { timeoutMs, signal: stop.signal, ...flags });
    reports.push(report);
    if (!flags.json) printLine(report);
    if (stop.signal.aborted) break;
  }
  if (flags.json) console.log(JSON.stringify(reports, null, 2));
  return reports.every((report) => report.ok) ? 0 : 1;
}

interface RunOneOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly update: boolean;
  readonly check: boolean;
  readonly json: boolean;
}

async function runOne(path: string, { timeoutMs, signal, update, check, json }: RunOneOptions): Promise<Report> {
  if (check) {
    const mistake = await checkNotebook(path);
    if (mistake !== undefined) {
      return { notebook: path, ok: false, cells: 0, seconds: 0, failure: { kind: "check", ...mistake } };
    }
  }
  const run = await runNotebook(path, {
    timeoutMs,
    signal,
    onCell: (cell, cells) => {
      if (!json) printProgress(`${basename(path)}  ${cell}/${cells} cells`);
    },
  });
  if (update && run.failure === undefined) await writeFileAtomic(path, formatNotebook(run.notebook));
  return {
    notebook: path,
    ok: run.failure === undefined,
    cells: run.cells,
    seconds: Math.round(run.seconds * 10) / 10,
    ...(run.failure === undefined ? {} : { failure: run.failure }),
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

if (import.meta.main) {
  try {
    Deno.exit(await main(Deno.args));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(error.message);
    Deno.exit(error.exitCode);
  }
}
