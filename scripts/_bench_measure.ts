import { disposeTree } from "../mod.ts";
import { type PeakMemory, peakMemory } from "./_bench_machine.ts";
import type { BenchCase, BenchStep, StepName } from "./_bench_steps.ts";

/** How to measure. */
export interface MeasureOptions {
  /** Timed calls of each step. */
  readonly runs: number;
  /** Calls of each step before, of which the first also traces and makes the session. */
  readonly warmUps: number;
  /** Told after every call. */
  readonly onCall?: (step: StepName) => void;
  /** The clock, ms. @default {performance.now} */
  readonly now?: () => number;
}

/** What was measured of one step. */
export interface Measured {
  /** The step. */
  readonly step: BenchStep;
  /** Times of the calls, ms, in their order. */
  readonly times: readonly number[];
  /** Memory after the step's warm-up calls; of the process, so that earlier steps are in it. */
  readonly peak: PeakMemory;
}

/** A row of the result. */
export interface BenchRow {
  /** What was called. */
  readonly step: StepName;
  /** What was computed: "resnet18", "1024x1024". */
  readonly model: string;
  /** Width of the case in whose rounds it was measured. */
  readonly width: number;
  /** Batch size of that case. */
  readonly batch: number;
  /** Name of the engine. */
  readonly engine: string;
  /** Number of timed calls. */
  readonly runs: number;
  /** Median time of a call, ms. */
  readonly medianMs: number;
  /** Shortest time, ms. */
  readonly minMs: number;
  /** First quartile of the times, ms. */
  readonly firstQuartileMs: number;
  /** Third quartile of the times, ms. */
  readonly thirdQuartileMs: number;
  /** Floating-point operations of a call, counted from the graph; null where the engine makes no graph. */
  readonly flops: number | null;
  /** 10^9 floating-point operations per second at the median. */
  readonly gflops: number | null;
  /** Time of the call at the speed of this case's matmul, ms. */
  readonly limitMs: number | null;
  /** limitMs / medianMs: 1 is as fast as the matmul. */
  readonly limitShare: number | null;
  /** Time to trace the program, ms. */
  readonly traceMs: number;
  /** Time to make the native session, ms. */
  readonly sessionMs: number;
  /** Nodes of the graph. */
  readonly nodes: number;
  /** Memory of the process after the step's warm-up calls, MiB: peak where the system tells it. */
  readonly memoryMiB: number;
}

/**
 * Times steps in turn: after the warm-up calls of all, one call of each, then the next of each, so that what else
 * happens on the machine meets all alike. Giving back a call's outputs is not in its time, nor in that of the next.
 */
export async function measure(steps: readonly BenchStep[], options: MeasureOptions): Promise<Measured[]> {
  const { runs, warmUps, onCall, now = () => performance.now() } = options;
  const timed = async (step: BenchStep): Promise<number> => {
    const start = now();
    const outputs = await step.call();
    const time = now() - start;
    disposeTree(outputs);
    await step.settle();
    onCall?.(step.name);
    return time;
  };
  const measured: { step: BenchStep; times: number[]; peak: PeakMemory }[] = [];
  for (const step of steps) {
    for (let i = 0; i < warmUps; i++) await timed(step);
    measured.push({ step, times: [], peak: peakMemory() });
  }
  for (let i = 0; i < runs; i++) {
    for (const { step, times } of measured) times.push(await timed(step));
  }
  return measured;
}

/** Makes the rows of a case; the one named "matmul" sets the limit of the others. */
export function benchRows(measured: readonly Measured[], { width, batch }: BenchCase, engine: string): BenchRow[] {
  const speedOf = ({ step, times }: Measured): number | null =>
    step.stats().flops > 0 ? step.stats().flops / quantile(times, 0.5) / 1e6 : null;
  const matmul = measured.find(({ step }) => step.name === "matmul");
  const fastest = matmul === undefined ? null : speedOf(matmul);
  return measured.map((one) => {
    const { step, times, peak } = one;
    const { flops, traceMs, sessionMs, nodes } = step.stats();
    const medianMs = quantile(times, 0.5);
    const limitMs = fastest !== null && flops > 0 ? flops / fastest / 1e6 : null;
    return {
      step: step.name,
      model: step.model,
      width,
      batch,
      engine,
      runs: times.length,
      medianMs: rounded(medianMs),
      minMs: rounded(Math.min(...times)),
      firstQuartileMs: rounded(quantile(times, 0.25)),
      thirdQuartileMs: rounded(quantile(times, 0.75)),
      flops: flops > 0 ? flops : null,
      gflops: rounded(speedOf(one)),
      limitMs: rounded(limitMs),
      limitShare: limitMs === null ? null : rounded(limitMs / medianMs),
      traceMs: rounded(traceMs),
      sessionMs: rounded(sessionMs),
      nodes,
      memoryMiB: Math.round(peak.bytes / 2 ** 20),
    };
  });
}

/** The p-quantile, interpolated linearly between the sorted values (R's type 7, NumPy's default). */
export function quantile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * p;
  const below = Math.floor(at);
  const low = sorted[below]!;
  const high = sorted[Math.ceil(at)]!;
  return low + (high - low) * (at - below);
}

/** Five significant digits: more than a clock is good for. */
function rounded<T extends number | null>(value: T): T {
  return value === null ? value : Number(value.toPrecision(5)) as T;
}
