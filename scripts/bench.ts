/**
 * Measures an engine: forward pass, input gradient and training steps of a CIFAR ResNet-18 beside a matrix product.
 *
 * @module
 */
import { createEngine, ENGINE_CHOICES } from "../mod.ts";
import { parseCase } from "./_bench_case.ts";
import { benchMachine } from "./_bench_machine.ts";
import { type BenchRow, benchRows, measure } from "./_bench_measure.ts";
import { benchSteps } from "./_bench_steps.ts";
import { caseText, machineText } from "./_bench_text.ts";
import { runCommand } from "./_command.ts";
import { engineOf } from "./_engine.ts";
import { integerOf } from "./_flags.ts";
import { createProgress } from "./_progress.ts";

const WARM_UPS = 2;

await runCommand({
  name: "bench",
  about: `Measure an engine: time, floating-point operations and memory of a CIFAR ResNet-18's forward pass, input
gradient, cross-entropy step and KDIGA step, beside a product of two 1024 x 1024 matrices.`,
  flags: {
    engine: { value: "NAME", help: `${ENGINE_CHOICES.join(", ")} (default: auto)` },
    case: {
      value: "WIDTHxBATCH",
      many: true,
      help: "width of the network and batch size; may be repeated (default: 16x64 and 64x32)",
    },
    runs: { value: "N", help: `timed calls of each step, after ${WARM_UPS} others (default: 7)` },
    small: { help: "smoke size: 4x4 and 2 calls; seconds, to see that everything runs" },
  },
  main: async ({ flags, json }) => {
    const cases = (flags.case ?? (flags.small ? ["4x4"] : ["16x64", "64x32"])).map(parseCase);
    const runs = integerOf("--runs", flags.runs ?? (flags.small ? "2" : "7"));
    const loadBefore = Deno.loadavg();
    const start = performance.now();
    await using engine = await createEngine(engineOf(flags.engine));
    const startUpMs = performance.now() - start;

    const progress = createProgress();
    const rows: BenchRow[] = [];
    for (const one of cases) {
      const { steps, dispose } = benchSteps(engine, one);
      const label = `width ${one.width}, batch ${one.batch}`;
      const total = steps.length * (WARM_UPS + runs);
      let done = 0;
      const onCall = (detail: string) => progress.show({ label, done: ++done, total, detail });
      const measured = await measure(steps, { runs, warmUps: WARM_UPS, onCall });
      await progress.end();
      const own = benchRows(measured, one, engine.name);
      dispose();
      if (!json) console.log(caseText(own));
      rows.push(...own);
    }
    const machine = benchMachine(engine, { startUpMs, loadBefore });
    if (!json) console.log(machineText(machine));
    return { rows, machine };
  },
});
