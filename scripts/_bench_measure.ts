import { disposeTree } from "../mod.ts";
import type { BenchCase } from "./_bench_arrays.ts";
import type { Agreement } from "./_bench_compare.ts";
import { type PeakMemory, peakMemory } from "./_bench_machine.ts";
import type { MemoryFormat } from "./_bench_peer.ts";
import type { BenchStep, StepName } from "./_bench_steps.ts";

/** How to measure. */
export interface MeasureOptions {
  /** Timed calls of each step. */
  readonly runs: number;
  /** Calls of each step before, of which the first also traces and makes the session. */
  readonly warmUps: number;
  /** Times one call of the peer, the second of two, ms; called after each timed call of ours. */
  readonly peer?: (step: StepName) => Promise<number>;
  /** Told after every call, or pair of calls. */
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
  /** The same of the peer; empty where there is none. */
  readonly peerTimes: readonly number[];
  /** Memory after the step's warm-up calls; of the process, so that earlier steps are in it. */
  readonly peak: PeakMemory;
}

/** What is known of a step of the peer. */
export interface PeerStep extends Agreement {
  /** Its faster memory format, which was timed. */
  readonly format: MemoryFormat;
}

/** A row of the result. */
export interface BenchRow {
  /** What was called. */
  readonly step: StepName;
  /** What was computed: "resnet18", "vit", "1024x1024". */
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
  /** Median time of the peer's call, ms; this and what follows of the peer is null where there is none. */
  readonly peerMs: number | null;
  /** Its shortest time, ms. */
  readonly peerMinMs: number | null;
  /** medianMs / peerMs: below 1 is faster than the peer. */
  readonly ratio: number | null;
  /** The memory format of the peer, the faster one. */
  readonly peerFormat: MemoryFormat | null;
  /** What the check of the peer's numbers found. */
  readonly peerAgreement: Agreement | null;
  /** Floating-point operations of a call, counted from the graphs; null where the engine makes no graph. */
  readonly flops: number | null;
  /** 10^9 floating-point operations per second at the median. */
  readonly gflops: number | null;
  /** Time of the call at the speed of this case's matmul, ms. */
  readonly limitMs: number | null;
  /** limitMs / medianMs: 1 is as fast as the matmul. */
  readonly limitShare: number | null;
  /** Time to trace the programs, ms. */
  readonly traceMs: number;
  /** Time to make their native sessions, ms. */
  readonly sessionMs: number;
  /** Nodes of their graphs. */
  readonly nodes: number;
  /** Memory of the process after the step's warm-up calls, MiB: peak where the system tells it. */
  readonly memoryMiB: number;
}

/**
 * Times steps in turn: after the warm-up calls of all, one call of each, then the next of each, so that what else
 * happens on the machine meets all alike; each followed by a call of the peer. A timed call is the second of two, as
 * in the loop of a training: the first finds the caches full of what another step, or the peer, has left there. Giving
 * back a call's outputs is not in its time, nor in that of the next.
 */
export async function measure(steps: readonly BenchStep[], options: MeasureOptions): Promise<Measured[]> {
  const { runs, warmUps, peer, onCall, now = () => performance.now() } = options;
  const timed = async (step: BenchStep): Promise<number> => {
    const start = now();
    const outputs = await step.call();
    const time = now() - start;
    disposeTree(outputs);
    await step.settle();
    return time;
  };
  const measured: { step: BenchStep; times: number[]; peerTimes: number[]; peak: PeakMemory }[] = [];
  for (const step of steps) {
    for (let i = 0; i < warmUps; i++) {
      await timed(step);
      onCall?.(step.name);
    }
    measured.push({ step, times: [], peerTimes: [], peak: peakMemory() });
  }
  for (let i = 0; i < runs; i++) {
    for (const { step, times, peerTimes } of measured) {
      await timed(step);
      times.push(await timed(step));
      if (peer) peerTimes.push(await peer(step.name));
      onCall?.(step.name);
    }
  }
  return measured;
}

/** Makes the rows of a case; the one named "matmul" sets the limit of the others. */
export function benchRows(
  measured: readonly Measured[],
  { width, batch }: BenchCase,
  engine: string,
  peer?: ReadonlyMap<StepName, PeerStep>,
): BenchRow[] {
  const speedOf = ({ step, times }: Measured): number | null =>
    step.stats().flops > 0 ? step.stats().flops / quantile(times, 0.5) / 1e6 : null;
  const matmul = measured.find(({ step }) => step.name === "matmul");
  const fastest = matmul === undefined ? null : speedOf(matmul);
  return measured.map((one) => {
    const { step, times, peerTimes, peak } = one;
    const { flops, traceMs, sessionMs, nodes } = step.stats();
    const medianMs = quantile(times, 0.5);
    const peerMs = peerTimes.length > 0 ? quantile(peerTimes, 0.5) : null;
    const { format = null, ...agreement } = peer?.get(step.name) ?? {};
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
      peerMs: rounded(peerMs),
      peerMinMs: peerMs === null ? null : rounded(Math.min(...peerTimes)),
      ratio: peerMs === null ? null : rounded(medianMs / peerMs),
      peerFormat: format,
      peerAgreement: format === null ? null : agreement as Agreement,
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
export function rounded<T extends number | null>(value: T): T {
  return value === null ? value : Number(value.toPrecision(5)) as T;
}
