/**
 * Measures an engine: passes, an attack and training steps of a CIFAR ResNet-18, or a vision transformer, beside a matrix product, and beside
 * PyTorch; the memory of each; how cost grows.
 *
 * @module
 */
import { createEngine, ENGINE_CHOICES, UsageError } from "../mod.ts";
import { parseCase } from "./_bench_case.ts";
import { growthPlan, type GrowthRow, runGrowth, stepGrowth } from "./_bench_growth.ts";
import { benchMachine, THREADS } from "./_bench_machine.ts";
import type { BenchRow } from "./_bench_measure.ts";
import { type MemoryRow, stepMemory } from "./_bench_memory.ts";
import { benchModel, MODEL_CASES, type ModelRow, modelsText, SMALL_MODEL_CASES } from "./_bench_models.ts";
import { startPeer } from "./_bench_peer.ts";
import { STEP_NAMES } from "./_bench_steps.ts";
import { caseText, growthText, machineText, memoryText, notesText } from "./_bench_text.ts";
import { benchTimes, WARM_UPS } from "./_bench_times.ts";
import { runCommand } from "./_command.ts";
import { DEVICE_FLAG, deviceOf, engineOf } from "./_engine.ts";
import { integerOf, oneOf } from "./_flags.ts";
import { createProgress } from "./_progress.ts";

await runCommand({
  name: "bench",
  about:
    `Measure an engine: time and floating-point operations of a CIFAR ResNet-18's passes, PGD-10 attack and training
steps, beside products of two 1024 x 1024 matrices and beside the same steps in PyTorch.`,
  flags: {
    engine: { value: "NAME", help: `${ENGINE_CHOICES.join(", ")} (default: auto)` },
    device: DEVICE_FLAG,
    case: {
      value: "WIDTHxBATCH",
      many: true,
      help: "width of the ResNet-18 and batch size, or vit-WIDTHxBATCH; may be repeated (default: 16x64 and 64x32)",
    },
    step: { value: "NAME", many: true, help: "a step by its name in the table; may be repeated (default: all)" },
    runs: { value: "N", help: `timed calls of each step, after ${WARM_UPS} others (default: 7)` },
    peer: {
      value: "PYTHON",
      help: "a Python with torch, which runs the same steps in turn and must get the same numbers",
    },
    memory: { help: "measure peak memory in place of time, each step in a process of its own" },
    models: { help: "measure the forward pass and the KDIGA step of every family of networks" },
    growth: { help: "measure how time grows with width, batch, image size, and length of data set and run" },
    small: { help: "smoke size: 4x4 and 2 calls; seconds, to see that everything runs" },
  },
  main: async ({ flags, json }) => {
    const cases = (flags.case ?? (flags.small ? ["4x4"] : ["16x64", "64x32"])).map(parseCase);
    const names = flags.step?.map((name) => oneOf("--step", name, STEP_NAMES)) ?? STEP_NAMES;
    const runs = integerOf("--runs", flags.runs ?? (flags.small ? "2" : "7"));
    const mode = modeOf(flags);
    const choice = engineOf(flags.engine);
    const device = deviceOf(flags.device);
    const loadBefore = Deno.loadavg();
    await using peer = flags.peer === undefined ? undefined : await startPeer(flags.peer, THREADS);
    using temporary = peer && await temporaryFolder();
    const start = performance.now();
    await using engine = await createEngine(choice, { device });
    const startUpMs = performance.now() - start;

    const progress = createProgress();
    const say = (text: string) => json || console.log(text);
    const count = (label: string, total: number) => {
      let done = 0;
      return (detail: string) => progress.show({ label, done: ++done, total, detail });
    };
    const finish = async <R>(rows: readonly R[], ...texts: readonly string[]) => {
      await progress.end();
      const machine = benchMachine(engine, { startUpMs, loadBefore, peer: peer?.info ?? null });
      say([...texts, machineText(machine)].join("\n"));
      if (mode === "times") say(notesText(machine));
      return { rows, machine };
    };

    if (mode === "memory") {
      const steps = names.filter((name) => name !== "matmul" || flags.step);
      const tasks = cases.flatMap((one) => steps.map((step) => ({ engine: engine.name, device, one, step })));
      const onStep = count("memory", tasks.length);
      const rows: MemoryRow[] = [];
      for (const task of tasks) {
        const compared = peer && { python: flags.peer!, folder: temporary!.path };
        rows.push({ ...await stepMemory(task, compared), engine: engine.name });
        onStep(task.step);
      }
      return await finish(rows, memoryText(rows));
    }

    if (mode === "growth") {
      const plan = growthPlan(flags.small ?? false);
      const onRow = count("growth", plan.cases.length + 2 * plan.lengths.length);
      const rows: GrowthRow[] = [];
      for (const one of plan.cases) {
        rows.push(...await stepGrowth(engine, one, runs));
        onRow(one.over);
      }
      rows.push(...await runGrowth(engine, plan, onRow));
      return await finish(rows, growthText(rows));
    }

    if (mode === "models") {
      const networks = flags.small ? SMALL_MODEL_CASES : MODEL_CASES;
      const onRow = count("models", networks.length);
      const rows: ModelRow[] = [];
      for (const one of networks) {
        rows.push(await benchModel(engine, one, runs));
        onRow(one.name);
      }
      return await finish(rows, modelsText(rows));
    }

    const rows: BenchRow[] = [];
    for (const one of cases) {
      const compared = peer && { peer, folder: temporary!.path };
      const own = await benchTimes(engine, one, { names, runs, ...(compared && { compared }) }, progress);
      say(caseText(own));
      rows.push(...own);
    }
    return await finish(rows);
  },
});

type Mode = "times" | "memory" | "growth" | "models";

function modeOf(flags: Readonly<Record<string, unknown>>): Mode {
  const alone = (["growth", "models"] as const).find((name) => flags[name]);
  if (alone === undefined) return flags["memory"] ? "memory" : "times";
  const other = ["memory", "peer", "case", "step", "growth", "models"].find((name) => name !== alone && flags[name]);
  if (other) throw new UsageError(`Cannot measure --${alone} with --${other}: run them one after the other`);
  return alone;
}

/** A folder that is removed at the end, or at Ctrl-C: what is in it is large. */
async function temporaryFolder(): Promise<Disposable & { readonly path: string }> {
  const path = await Deno.makeTempDir({ prefix: "kdiga-bench-" });
  const remove = () => Deno.removeSync(path, { recursive: true });
  const stop = () => {
    remove();
    Deno.exit(130);
  };
  Deno.addSignalListener("SIGINT", stop);
  return {
    path,
    [Symbol.dispose]: () => {
      Deno.removeSignalListener("SIGINT", stop);
      remove();
    },
  };
}
