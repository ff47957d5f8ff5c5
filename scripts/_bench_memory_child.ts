/**
 * Runs one step alone and prints what memory it took; `_bench_memory.ts` starts it.
 *
 * @module
 */
import { createEngine, disposeTree } from "../mod.ts";
import { processMemory } from "./_bench_machine.ts";
import { MEMORY_CALLS, type MemoryTask, type StepMemory } from "./_bench_memory.ts";
import { benchSteps } from "./_bench_steps.ts";

const { engine: choice, device, one, step: name } = JSON.parse(Deno.args[0]!) as MemoryTask;
const engine = await createEngine(choice, { device });
const step = benchSteps(engine, one, [name]).steps[0]!;
await step.settle();
const { residentBytes } = processMemory();
for (let i = 0; i < MEMORY_CALLS; i++) {
  disposeTree(await step.call());
  await step.settle();
}
console.log(JSON.stringify({ baseBytes: residentBytes, peakBytes: processMemory().peakBytes } satisfies StepMemory));
Deno.exit();
