import {
  type AnalysisRow,
  canonicalJson,
  COST_COLUMNS,
  type CostRow,
  ExperimentError,
  formatAnalysis,
  formatCost,
  formatSeeds,
  formatSweep,
  meanInterval,
  parseAnalysis,
  parseCost,
  parseEvaluation,
  readTextIfExists,
  type SeedsRow,
  type SweepRow as Row,
  wilson,
  writeFileAtomic,
} from "../core/mod.ts";
import { SCREEN_ENDINGS, writeFigures, writeReport } from "../report/mod.ts";
import { exists, makeFolder } from "./_files.ts";
import type { Experiment } from "./experiment.ts";
import { isFinished, type Manifest, readManifest } from "./manifest.ts";
import { lockFolder } from "./_lock_folder.ts";
import { openRunFolder, type RunFolder, type RunIdentity, runName } from "./run_folder.ts";
import type { Sweep, SweepPlan, SweepRun } from "./sweep.ts";
import { resolveExperiment, TEACHER_ROLES } from "./teacher.ts";

/** Where the runs of a sweep lie. */
export interface MergeSweepOptions {
  /** Folder of the runs, and of the sweep's own. @default {"runs"} */
  readonly runs?: string;
  /** Folders of runs of other machines: what is finished there alone is copied. @default {none} */
  readonly from?: readonly string[];
}

/** What the runs of a sweep have come to. */
export interface MergedSweep {
  /** The sweep's own folder. */
  readonly folder: string;
  /** Rows of every finished run. */
  readonly rows: readonly Row[];
  /** Means over seeds. */
  readonly means: readonly SeedsRow[];
  /** Names of the runs that are not finished. */
  readonly missing: readonly string[];
  /** Paths of the figures; none before there is a row. */
  readonly figures: readonly string[];
  /** Path of the page with all of it; undefined before there is a row. */
  readonly report: string | undefined;
}

/**
 * Name of the folder of a sweep: "study-1a2b3c4d", the hash being of what it declares and of every run.
 *
 * @param sweep The sweep.
 * @param plan Its runs.
 */
export async function sweepName(sweep: Sweep, plan: SweepPlan): Promise<string> {
  return await runName(await identityOf(sweep, plan));
}

/** A run of a sweep as it lies on disk. */
export interface OpenedRun {
  /** Name of its folder. */
  readonly name: string;
  /** Its folder; not there before it is run. */
  readonly folder: string;
  /** File of its experiment, for `deno task run`. */
  readonly file: string;
  /** Names of the runs that make its teachers. */
  readonly teachers: readonly string[];
  /** Names of the networks whose rows the sweep takes from it. */
  readonly methods: readonly string[];
  /** Its seed. */
  readonly seed: number;
  /** The run. */
  readonly run: SweepRun;
}

/**
 * Opens the folder of a sweep, or makes it, with a file for each run in `experiments`.
 *
 * @param sweep The sweep.
 * @param plan Its runs.
 * @param runs Folder of the runs, and of the sweep's own.
 * @returns The folder, and where everything lies: first what makes teachers.
 * @throws {ExperimentError} If the folder holds something else.
 */
export async function openSweep(
  sweep: Sweep,
  plan: SweepPlan,
  runs = "runs",
): Promise<{ readonly folder: string; readonly runs: readonly OpenedRun[] }> {
  const path = `${runs}/${await sweepName(sweep, plan)}`;
  const release = await locked(path);
  try {
    const folder = await openRunFolder(await identityOf(sweep, plan), path);
    await makeFolder(folder.file("experiments"));
    const opened = await Promise.all([...plan.origins, ...plan.runs].map(async (run): Promise<OpenedRun> => {
      const { experiment, methods } = run;
      const name = await runName(experiment);
      const file = folder.file("experiments", `${name}.json`);
      if (!await exists(file)) await writeFileAtomic(file, `${JSON.stringify(experiment, null, 2)}\n`);
      const borrowed = TEACHER_ROLES.flatMap((role) => {
        const spec = experiment[role];
        return spec !== undefined && "experiment" in spec ? [spec.experiment as Experiment] : [];
      });
      const teachers = await Promise.all(borrowed.map((origin) => runName(origin)));
      return { name, folder: `${runs}/${name}`, file, teachers, methods, seed: experiment.seed, run };
    }));
    return { folder: path, runs: opened };
  } finally {
    await release();
  }
}

/**
 * Gathers the finished runs of a sweep: `rows.csv` (every rate of every run, and what its training cost in passes),
 * `means.csv` (over seeds), `analysis.csv`, `costs.csv` (seconds), figures and a page, in a folder of the sweep.
 *
 * All but `costs.csv` depends on the runs' results alone: not on the order, the machines or the interruptions.
 * Of several seeds, intervals are t intervals of the mean: what another seed would give on the same images. Of one seed,
 * Wilson's: what other images would give; `rows.csv` has these of every run.
 *
 * @param sweep The sweep.
 * @param plan Its runs.
 * @param options Where they lie.
 * @returns What was found.
 * @throws {ExperimentError} If a run was made with other data or another teacher than the others, a folder to be merged
 * has none of the runs, or the same run has other rows there.
 */
export async function mergeSweep(
  sweep: Sweep,
  plan: SweepPlan,
  { runs = "runs", from = [] }: MergeSweepOptions = {},
): Promise<MergedSweep> {
  const path = `${runs}/${await sweepName(sweep, plan)}`;
  const release = await locked(path);
  try {
    const folder = await openRunFolder(await identityOf(sweep, plan), path);
    const all = [...plan.origins, ...plan.runs];
    const names = await Promise.all(all.map(({ experiment }) => runName(experiment)));
    for (const other of from) await takeOver(other, runs, names, sweep);
    const parts: Part[] = [];
    const missing: string[] = [];
    for (const [i, run] of all.entries()) {
      const path = `${runs}/${names[i]!}`;
      if (await isFinished(path)) parts.push(await readPart(run, path, names[i]!));
      else missing.push(names[i]!);
    }
    await checkSame(parts);
    return await written(folder, parts, missing);
  } finally {
    await release();
  }
}

/** Takes the folder, waiting while another process has it. */
async function locked(path: string): Promise<() => Promise<void>> {
  const waiting = lockFolder(path);
  for (;;) {
    const { done, value } = await waiting.next();
    if (done) return value;
  }
}

/** Writes what the parts come to. */
async function written(folder: RunFolder, parts: readonly Part[], missing: readonly string[]): Promise<MergedSweep> {
  const rows = parts.flatMap((part) => part.rows);
  const means = meansOf(rows);
  await writeFileAtomic(folder.file("rows.csv"), formatSweep(rows));
  await writeFileAtomic(folder.file("means.csv"), formatSeeds(means));
  await writeFileAtomic(folder.file("costs.csv"), costsOf(parts));
  const analysis = meanAnalysis(parts.flatMap((part) => part.analysis));
  if (analysis.length > 0) await writeFileAtomic(folder.file("analysis.csv"), formatAnalysis(analysis));
  const has = rows.length > 0;
  return {
    folder: folder.path,
    rows,
    means,
    missing,
    figures: has ? await writeFigures(folder.path, SCREEN_ENDINGS) : [],
    report: has ? await writeReport(folder.path) : undefined,
  };
}

interface Part {
  readonly name: string;
  readonly run: SweepRun;
  readonly manifest: Manifest;
  readonly rows: readonly Row[];
  readonly analysis: readonly AnalysisRow[];
  readonly costs: readonly CostRow[];
}

/** What stands for a sweep in `experiment.json`. */
async function identityOf({ name, base, ...declared }: Sweep, plan: SweepPlan): Promise<RunIdentity> {
  const folders = await Promise.all([...plan.origins, ...plan.runs].map(({ experiment }) => runName(experiment)));
  const written = typeof base === "string" ? base : resolveExperiment(base);
  const content = { name, base: written, declared, folders };
  return content;
}

async function readPart(run: SweepRun, path: string, name: string): Promise<Part> {
  const own = async <R extends { readonly method: string }>(
    file: string,
    parse: (text: string, name: string) => { readonly rows: readonly R[] },
  ): Promise<R[]> => {
    const { rows } = parse(await readTextIfExists(`${path}/${file}`) ?? "", `${path}/${file}`);
    return rows.filter(({ method }) => run.methods.includes(method));
  };
  const costs = await own("cost.csv", parseCost);
  const rows = (await own("evaluation.csv", parseEvaluation)).map((row): Row => {
    const cost = costs.find(({ method }) => method === row.method);
    if (cost === undefined) throw new ExperimentError(`Cannot merge "${path}" as its cost.csv has no "${row.method}"`);
    const { images, studentForward, studentBackward, teacherForward, teacherBackward } = cost;
    return {
      run: name,
      ...row,
      seed: run.experiment.seed,
      images,
      studentPasses: (studentForward + studentBackward) * images,
      teacherPasses: (teacherForward + teacherBackward) * images,
    };
  });
  const analysis = await own("analysis.csv", parseAnalysis);
  return { name, run, manifest: (await readManifest(path))!, rows, analysis, costs };
}

/** All must have seen the same images, and those that borrow the same network the same weights. */
async function checkSame(parts: readonly Part[]): Promise<void> {
  const seen = new Map<string, { readonly value: string; readonly name: string }>();
  const check = (key: string, value: string, name: string, what: string) => {
    const first = seen.get(key);
    if (first === undefined) seen.set(key, { value, name });
    else if (first.value !== value) {
      throw new ExperimentError(
        `Cannot merge "${name}" with "${first.name}" as ${what}: remove one of them and run it again`,
      );
    }
  };
  for (const { name, run: { experiment }, manifest } of parts) {
    const { data } = experiment;
    check(`data ${canonicalJson(data)}`, canonicalJson(manifest.data), name, "their data have other checksums");
    const run = await runName(experiment);
    for (const [network, sha256] of Object.entries(manifest.weights)) {
      check(`weights ${run} ${network}`, sha256, name, `the weights of "${network}" are others`);
    }
    for (const role of TEACHER_ROLES) {
      const spec = experiment[role];
      const origin = manifest.teachers?.[role];
      if (spec === undefined || origin === undefined || !("experiment" in spec)) continue;
      check(`weights ${origin.run} ${spec.network}`, origin.sha256, name, `the weights of its ${role} are others`);
    }
  }
}

/** Copies the finished runs of a folder that are not finished here. */
async function takeOver(from: string, to: string, names: readonly string[], { name }: Sweep): Promise<void> {
  const finished: string[] = [];
  for (const run of names) if (await isFinished(`${from}/${run}`)) finished.push(run);
  if (finished.length === 0) {
    throw new ExperimentError(
      `Cannot merge "${from}" as it has no finished run of this sweep "${name}": give the folder of its runs, made by ` +
        "the same declaration",
    );
  }
  for (const run of finished) {
    const [theirs, ours] = [`${from}/${run}`, `${to}/${run}`];
    if (!await isFinished(ours)) await copyFolder(theirs, ours);
    else if (await readTextIfExists(`${theirs}/evidence.csv`) !== await readTextIfExists(`${ours}/evidence.csv`)) {
      throw new ExperimentError(
        `Cannot merge "${theirs}" as "${ours}" is the same experiment with other rows: keep one of them`,
      );
    }
  }
}

/** Copies a folder, its manifest last: only then it is finished. */
async function copyFolder(from: string, to: string): Promise<void> {
  await makeFolder(to);
  const entries = (await Array.fromAsync(Deno.readDir(from))).sort((a, b) =>
    Number(a.name === "manifest.json") - Number(b.name === "manifest.json")
  );
  for (const { name, isDirectory } of entries) {
    if (isDirectory) await copyFolder(`${from}/${name}`, `${to}/${name}`);
    else if (!name.endsWith(".tmp") && name !== ".lock") await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

/** Means over the seeds of each method, attack and radius, in the order of their first row. */
function meansOf(rows: readonly Row[]): SeedsRow[] {
  const groups = Map.groupBy(rows, ({ method, attack, eps }) => JSON.stringify([method, attack, eps]));
  return [...groups.values()].map((group) => {
    const { method, attack, eps, n, correct } = group[0]!;
    if (group.some((row) => row.n !== n)) {
      throw new ExperimentError(
        `Cannot average "${method}" under "${attack}" as its runs have other numbers of images`,
      );
    }
    const key = { method, attack, eps, seeds: group.length, n };
    if (group.length === 1) return { ...key, ...wilson(correct, n), interval: "images" };
    const { mean: rate, low, high } = meanInterval(group.map((row) => row.rate), 0.95, "t");
    return { ...key, rate, low: Math.max(0, low), high: Math.min(1, high), interval: "seeds" };
  });
}

/** Means of the means over the seeds likewise; the rows of one seed are left as they are. */
function meanAnalysis(rows: readonly AnalysisRow[]): AnalysisRow[] {
  const groups = Map.groupBy(rows, ({ method, eps, quantity }) => JSON.stringify([method, eps, quantity]));
  return [...groups.values()].map((group) =>
    group.length === 1 ? group[0]! : { ...group[0]!, ...meanInterval(group.map(({ mean }) => mean), 0.95, "t") }
  );
}

/** `costs.csv`: what each training cost, as `cost.csv` of its run says it, after the run and its engines. */
function costsOf(parts: readonly Part[]): string {
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const lines = parts.flatMap(({ name, manifest, costs }) =>
    formatCost(costs, { headers: false }).split("\n").slice(0, -1).map((line) =>
      [quoted(name), quoted(manifest.engines.join("; ")), line].join()
    )
  );
  return [["run", "engine", ...COST_COLUMNS].join(), ...lines, ""].join("\n");
}
