/**
 * Runs many variants of an experiment that share one teacher.
 *
 * @module
 */
import {
  accuracyTable,
  checkSweep,
  evaluationIn,
  expandSweep,
  isFinished,
  mergeSweep,
  openSweep,
  override,
  PRESETS,
  resolveExperiment,
  small,
  type Sweep,
  type SweepPlan,
  SWEEPS,
  tableText,
  UsageError,
  writeFileAtomic,
} from "../mod.ts";
import { runCommand } from "./_command.ts";
import { CIFAR10_ARCHIVE, dataOption } from "./_data.ts";
import { DEVICE_FLAG, deviceOf, engineOf } from "./_engine.ts";
import { integerOf } from "./_flags.ts";
import { kubernetesJob, slurmScript } from "./_cluster.ts";
import { type Job, work } from "./_work.ts";

/** Flags that the parts on a cluster are called with as well. */
const PASSED = ["set", "engine", "device", "checkpoint-every", "workers"] as const;

await runCommand({
  name: "sweep",
  usage: "<preset or file.json>",
  arity: [1, 1],
  about: `Run many variants of an experiment, which share one teacher, each in a process and a folder of its own, and
gather their rows, means over seeds and figures in a folder of the sweep. Run again, it goes on where it was stopped.
Presets: ${Object.keys(SWEEPS).join(", ")}.`,
  flags: {
    data: { value: "PATH", help: `file or folder of the images (default: ${CIFAR10_ARCHIVE}, where it is)` },
    runs: { value: "DIR", help: "where the runs and the sweep's own folder lie (default: runs)" },
    workers: { value: "N", help: "most processes at a time (default: 1, as one uses all cores)" },
    shard: { value: "I/N", help: "every n-th run from the i-th on, such as 1/3: for several machines" },
    merge: { value: "DIR", many: true, help: "runs of another machine: what is finished there alone is copied" },
    engine: { value: "NAME", help: "auto, tensorflow, onnxruntime or reference (default: auto)" },
    device: DEVICE_FLAG,
    set: { value: "PATH=VALUE", many: true, help: "replace a value of the base, as deno task run does" },
    "checkpoint-every": { value: "N", help: "training steps between checkpoints (default: 100)" },
    slurm: { value: "FILE", help: "write a job array for Slurm, a task per part, and stop" },
    kubernetes: { value: "FILE", help: "write an Indexed Job for Kubernetes, a pod per part, and stop" },
    parts: { value: "N", help: "parts of --slurm and --kubernetes (default: one per run)" },
    small: { help: "smoke size: seconds for each run, to see that everything runs" },
    list: { help: "print the runs and whether they are finished, and stop" },
    show: { help: "print the sweep as JSON and stop" },
  },
  resumable: true,
  main: async ({ args, flags, json, signal }) => {
    const { runs = "runs" } = flags;
    const sweep = await declared(args[0]!, flags.set ?? [], flags.small === true);
    const plan = expandSweep(sweep, flags.small ? small : undefined);
    if (flags.show) {
      if (!json) console.log(JSON.stringify(sweep, null, 2));
      return sweep;
    }
    if (flags.slurm !== undefined || flags.kubernetes !== undefined) {
      const job = {
        name: sweep.name,
        parts: flags.parts === undefined ? plan.runs.length : integerOf("--parts", flags.parts),
        args: [args[0]!, ...PASSED.flatMap((flag) => [flags[flag] ?? []].flat().flatMap((text) => [`--${flag}`, text]))]
          .concat(flags.small ? ["--small"] : []),
      };
      if (job.parts > plan.runs.length) {
        throw new UsageError(
          `Cannot write ${job.parts} parts of ${plan.runs.length} runs: write no more --parts than runs`,
        );
      }
      const files = { slurm: slurmScript(job), kubernetes: kubernetesJob(job) };
      for (const kind of ["slurm", "kubernetes"] as const) {
        if (flags[kind] !== undefined) await writeFileAtomic(flags[kind], files[kind]);
      }
      const written = { slurm: flags.slurm ?? null, kubernetes: flags.kubernetes ?? null, parts: job.parts };
      if (!json) { for (const file of [flags.slurm, flags.kubernetes]) if (file !== undefined) console.log(file); }
      return written;
    }
    const mine = partOf(plan, flags.shard);
    const opened = await openSweep(sweep, plan, runs);
    if (flags.list) {
      const listed = await Promise.all(opened.runs.map(async ({ name, methods, seed, folder }) => ({
        name,
        methods,
        seed,
        finished: await isFinished(folder),
      })));
      if (!json) {
        for (const { name, finished } of listed) console.log(`${name}${finished ? "  finished" : ""}`);
        console.log(`\n${listed.length} runs, ${listed.filter(({ finished }) => finished).length} finished`);
      }
      return { folder: opened.folder, runs: listed };
    }
    const { data } = plan.runs[0]!.experiment;
    const path = (await dataOption(flags.data, data)).data;
    const engine = ["--engine", engineOf(flags.engine), "--device", deviceOf(flags.device)];
    const every = flags["checkpoint-every"];
    const passed = [
      ...["--runs", runs],
      ...engine,
      ...(path === undefined ? [] : ["--data", path]),
      ...(every === undefined ? [] : ["--checkpoint-every", `${integerOf("--checkpoint-every", every)}`]),
    ];
    const workers = flags.workers === undefined ? 1 : integerOf("--workers", flags.workers);
    const needed = opened.runs.filter(({ run }) => mine.includes(run));
    const after = new Set(needed.flatMap((run) => run.teachers));
    const jobs: Job[] = opened.runs.filter((run) => needed.includes(run) || after.has(run.name))
      .map(({ teachers, ...job }) => ({ ...job, after: teachers }));
    if (flags.merge !== undefined) await mergeSweep(sweep, plan, { runs, from: flags.merge });
    const failures = await work(jobs, { workers, flags: passed, logs: `${opened.folder}/logs`, signal });
    const merged = await mergeSweep(sweep, plan, { runs });
    const { folder, rows, missing, figures, report } = merged;
    if (!json) {
      if (rows.length > 0) console.log(`\n${tableText(await tableOf(folder))}`);
      for (const figure of figures) if (figure.endsWith(".svg")) console.log(figure);
      if (report !== undefined) console.log(report);
      console.log(`\n${folder}`);
    }
    const all = plan.origins.length + plan.runs.length;
    if (missing.length > 0) console.error(`${all - missing.length} of ${all} runs are finished`);
    for (const [name, reason] of Object.entries(failures)) console.error(`failed: ${name}: ${reason}`);
    if (Object.keys(failures).length > 0) Deno.exitCode = 1;
    return { ...merged, failures };
  },
});

/** The sweep of a preset or a file, with values of its base replaced. */
async function declared(source: string, assignments: readonly string[], isSmall: boolean): Promise<Sweep> {
  const sweep = await load(source);
  const name = isSmall ? `${sweep.name}-small` : sweep.name;
  if (assignments.length === 0) return { ...sweep, name };
  const base = resolveExperiment(typeof sweep.base === "string" ? PRESETS[sweep.base]! : sweep.base);
  return checkSweep({ ...sweep, name, base: assignments.reduce(override, base) });
}

async function load(source: string): Promise<Sweep> {
  if (Object.hasOwn(SWEEPS, source)) return SWEEPS[source]!;
  let text: string;
  try {
    text = await Deno.readTextFile(source);
  } catch {
    throw new UsageError(
      `Cannot sweep "${source}" as it is neither a preset nor a file that can be read: write a preset (${
        Object.keys(SWEEPS).join(", ")
      }) or the path of a JSON file`,
    );
  }
  try {
    return checkSweep(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new UsageError(`Cannot sweep "${source}" as it is not JSON: ${error.message}`);
    }
    throw error;
  }
}

/** The runs of a part. */
function partOf({ runs }: SweepPlan, shard = "1/1"): SweepPlan["runs"] {
  const [, part, parts] = /^([1-9]\d*)\/([1-9]\d*)$/.exec(shard)?.map(Number) ?? [];
  if (part === undefined || parts === undefined || part > parts) {
    throw new UsageError(`Cannot use --shard ${shard}: write a part and the number of parts, such as 1/3`);
  }
  return runs.filter((_, i) => i % parts === part - 1);
}

/** Means at the largest radius of each attack. */
async function tableOf(folder: string) {
  const { rows, ...said } = await evaluationIn(folder);
  return accuracyTable(rows.filter(({ attack }) => !attack.includes(".")), said);
}
