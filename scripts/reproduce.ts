/**
 * Makes a figure or table of the repository again and compares its rows with the stored ones.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import {
  type Artefact,
  ARTEFACTS,
  compareRows,
  evaluationIn,
  expandSweep,
  figureFiles,
  type FolderRates,
  formatEvaluation,
  isFinished,
  parseEvaluation,
  PRESETS,
  readTextIfExists,
  resolveExperiment,
  runName,
  SCREEN_ENDINGS,
  small,
  sweepName,
  SWEEPS,
  tableText,
  UsageError,
  writeFileAtomic,
} from "../mod.ts";
import { runCommand } from "./_command.ts";
import { CIFAR10_ARCHIVE } from "./_data.ts";
import { DEVICE_FLAG } from "./_engine.ts";
import { startTask } from "./_task_command.ts";

const RESULTS = fileURLToPath(new URL("../notebooks/results", import.meta.url));
/** Flags of the run or sweep that makes the rows. */
const PASSED = ["data", "engine", "device", "workers"] as const;

await runCommand({
  name: "reproduce",
  usage: "<figure or table>",
  arity: [0, 1],
  about:
    `Make a figure or table of this repository again: run what is missing, draw, and compare every row with the stored
one: same bits, within its interval, or different (exit status 1). Figures and tables: ${
      Object.keys(ARTEFACTS).join(", ")
    }.`,
  flags: {
    data: { value: "PATH", help: `file or folder of the images (default: ${CIFAR10_ARCHIVE}, where it is)` },
    runs: { value: "DIR", help: "where runs lie; what is finished there is not run again (default: runs)" },
    results: { value: "DIR", help: "where the stored rows lie (default: notebooks/results of the repository)" },
    out: { value: "DIR", help: "folder of the figure or table (default: <runs>/reproduced/<name>)" },
    engine: { value: "NAME", help: "auto, tensorflow, onnxruntime or reference (default: auto)" },
    device: DEVICE_FLAG,
    workers: { value: "N", help: "most processes of a sweep at a time (default: 1)" },
    store: { help: "store the rows in place of comparing them" },
    small: { help: "smoke size, with rows of its own" },
    list: { help: "print what can be reproduced, and whether its rows are stored, and stop" },
  },
  resumable: true,
  main: async ({ args, flags, json, signal }) => {
    const { runs = "runs", results = RESULTS } = flags;
    if (flags.list) {
      const listed = await Promise.all(
        Object.entries(ARTEFACTS).map(async ([name, { about }]) => ({
          name,
          about,
          stored: await readTextIfExists(`${results}/${name}/rows.csv`) !== undefined,
        })),
      );
      if (!json) {
        for (const { name, about, stored } of listed) {
          console.log(`${name.padEnd(18)}  ${about}${stored ? "" : " (rows not stored yet)"}`);
        }
      }
      return listed;
    }
    const known = Object.keys(ARTEFACTS).join(", ");
    const name = args[0];
    if (name === undefined) throw new UsageError(`Cannot reproduce nothing: write one of ${known}, or --list`);
    if (!Object.hasOwn(ARTEFACTS, name)) {
      throw new UsageError(`Cannot reproduce "${name}" as it is not known: write one of ${known}`);
    }
    const artefact = ARTEFACTS[name]!;
    const stored = `${results}/${flags.small ? `${name}-small` : name}/rows.csv`;
    const text = await readTextIfExists(stored);
    if (text === undefined && !flags.store) {
      throw new UsageError(`Cannot compare "${name}" as there is no "${stored}": write --store to make it`);
    }
    const passed = PASSED.flatMap((flag) => flags[flag] === undefined ? [] : [`--${flag}`, flags[flag]]);
    const folder = await made(artefact, runs, flags.small === true, passed, signal);
    const { rows: all, ...said } = await evaluationIn(folder);
    const rows = all.filter(artefact.wants ?? (() => true));
    const files = await written(artefact, { rows, ...said }, flags.out ?? `${runs}/reproduced/${name}`);
    if (!json) { for (const file of files) console.log(file); }
    if (flags.store) {
      await Deno.mkdir(stored.replace(/\/[^/]*$/, ""), { recursive: true });
      await writeFileAtomic(stored, formatEvaluation(rows));
      if (!json) console.log(stored);
      return { folder, files, stored };
    }
    const compared = compareRows(parseEvaluation(text!, stored).rows, rows);
    if (!json) console.log(`\n${textOf(compared)}`);
    if (compared.some(({ verdict }) => verdict === "different")) Deno.exitCode = 1;
    return { folder, files, compared };
  },
});

/** The folder of the run or sweep that an artefact is of, finished. */
async function made(
  { from }: Artefact,
  runs: string,
  isSmall: boolean,
  passed: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const flags = ["--runs", runs, "--json", ...isSmall ? ["--small"] : [], ...passed];
  if ("preset" in from) {
    const preset = resolveExperiment(PRESETS[from.preset]!);
    const folder = `${runs}/${await runName(isSmall ? small(preset) : preset)}`;
    // A run is no sweep: it is one process.
    const own = flags.filter((flag, i) => flag !== "--workers" && flags[i - 1] !== "--workers");
    if (!await isFinished(folder)) await task("run", [from.preset, ...own], signal);
    return folder;
  }
  const declared = SWEEPS[from.sweep]!;
  const sweep = isSmall ? { ...declared, name: `${declared.name}-small` } : declared;
  await task("sweep", [from.sweep, ...flags], signal);
  return `${runs}/${await sweepName(sweep, expandSweep(sweep, isSmall ? small : undefined))}`;
}

/** Runs a task to its end; it tells of its progress and its failures itself. */
async function task(name: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  const child = await startTask(name, args, { stdin: "null", stdout: "null", stderr: "inherit" }, signal);
  const { code } = await child.status;
  signal.throwIfAborted();
  if (code !== 0) Deno.exit(code);
}

/** Writes the figure or table. */
async function written({ make }: Artefact, rates: FolderRates, out: string): Promise<string[]> {
  const result = make(rates);
  await Deno.mkdir(out, { recursive: true });
  const files: readonly (readonly [string, string | Uint8Array])[] = typeof result === "string"
    ? [["table.txt", result]]
    : (await figureFiles(result, SCREEN_ENDINGS)).map(([ending, content]) => [`figure${ending}`, content]);
  for (const [name, content] of files) await writeFileAtomic(`${out}/${name}`, content);
  return files.map(([name]) => `${out}/${name}`);
}

/** A line for each row. */
function textOf(rows: ReturnType<typeof compareRows>): string {
  const percent = (rate: number | undefined) => rate === undefined ? "-" : (100 * rate).toFixed(2);
  return tableText({
    caption: "Rates in percent: those that are stored, and those found now.",
    columns: ["Method", "Attack", "eps", "Stored", "Found", "Verdict"],
    rows: rows.map(({ method, attack, eps, stored, found, verdict }) => [
      method,
      attack,
      eps,
      percent(stored),
      percent(found),
      verdict,
    ]),
  });
}
