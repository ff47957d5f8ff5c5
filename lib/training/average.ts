import { UsageError } from "../core/mod.ts";
import { add, mul, sub, type Tensor } from "../engine/mod.ts";
import type { Weights } from "../models/mod.ts";
import type { Named } from "./optimizer.ts";

/** What every average of weights has. */
export interface AverageBase {
  /**
   * What training hands out in the end; the other is kept beside it.
   * @default {"average"}
   */
  readonly weights?: "last" | "average";
}

/** Exponential moving average of weights and running statistics, from the first weights on. */
export interface EmaSpec extends AverageBase {
  /** Discriminates the averages. */
  readonly kind: "ema";
  /** Share of the average that a step keeps, such as 0.999. */
  readonly decay: number;
  /**
   * Lowers the decay of step t, from 0, to at most (1 + t) / (10 + t).
   * @default {false}
   */
  readonly warmUp?: boolean;
}

/** Equal average of the weights at several steps of the later training. */
export interface SwaSpec extends AverageBase {
  /** Discriminates the averages. */
  readonly kind: "swa";
  /** Share of training from which weights are taken. */
  readonly from: number;
  /**
   * Steps from one taking to the next, counted from the first step of all.
   * @default {the steps of an epoch}
   */
  readonly every?: number;
  /**
   * Training batches that the running statistics of batch norm are taken from anew in the end, at most an epoch.
   * @default {100}
   */
  readonly statisticsBatches?: number;
}

/** Any average of weights, as plain JSON. */
export type AverageSpec = EmaSpec | SwaSpec;

/**
 * Share s of the new weights in the average after a step, average <- (1 - s) average + s weights: a pure function, so
 * that the average itself is all there is to keep. 0 where a step is not taken.
 *
 * - "ema": 1 - d, d = decay or min(decay, (1 + t) / (10 + t)). Source: Polyak and Juditsky (1992) for the idea; the
 *   warm-up as in TensorFlow's `ExponentialMovingAverage(num_updates)` and the code of Gowal et al. (2020).
 *   Differs from PyTorch's `AveragedModel` in beginning with the first weights, not with those after the first step.
 * - "swa": 1 / n at the n-th taking. Source: Izmailov et al., "Averaging weights leads to wider optima and better
 *   generalization" (2018), algorithm 1.
 *
 * @param spec The average.
 * @param step Step that has been done, from 0.
 * @param totalSteps Steps of the whole training.
 * @param stepsPerEpoch Steps of an epoch.
 * @returns The share, from 0 to 1.
 */
export function averageShare(spec: AverageSpec, step: number, totalSteps: number, stepsPerEpoch: number): number {
  if (spec.kind === "ema") {
    return 1 - (spec.warmUp ? Math.min(spec.decay, (1 + step) / (10 + step)) : spec.decay);
  }
  const { every = stepsPerEpoch } = spec;
  const count = (step + 1) / every - firstTaking(spec, totalSteps, every) + 1;
  return Number.isInteger(count) && count > 0 ? 1 / count : 0;
}

/** The multiple of `every` at which weights are taken first. */
function firstTaking({ from }: SwaSpec, totalSteps: number, every: number): number {
  return Math.max(1, Math.ceil(from * totalSteps / every));
}

/**
 * Checks an average of weights.
 *
 * @param spec The average; none where undefined.
 * @param totalSteps Steps of the whole training.
 * @param stepsPerEpoch Steps of an epoch.
 * @throws {UsageError} If a field is out of its range, or weights would never be taken.
 */
export function checkAverage(spec: AverageSpec | undefined, totalSteps: number, stepsPerEpoch: number): void {
  if (spec === undefined) return;
  if (spec.kind === "ema") {
    if (spec.decay >= 0 && spec.decay < 1) return;
    throw new UsageError(`Cannot average weights with the decay ${spec.decay}: write a share below 1, such as 0.999`);
  }
  const { from, every = stepsPerEpoch, statisticsBatches = 100 } = spec;
  if (!(from >= 0 && from <= 1)) {
    throw new UsageError(`Cannot average weights from ${from} of training on: write a share from 0 to 1`);
  }
  for (const [value, what] of [[every, "steps"], [statisticsBatches, "batches for statistics"]] as const) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new UsageError(`Cannot average weights with ${value} ${what}: write an integer of at least 1`);
  }
  if (totalSteps > 0 && firstTaking(spec, totalSteps, every) * every > totalSteps) {
    throw new UsageError(
      `Cannot average weights every ${every} steps from ${from} of ${totalSteps} steps on as none are taken: ` +
        "begin earlier or take them more often",
    );
  }
}

/** What moves an average. */
export interface AverageInputs {
  /** The average so far. */
  readonly average: Weights<Tensor>;
  /** Weights after the step. */
  readonly now: Weights<Tensor>;
  /** Their share in the new average, a scalar. */
  readonly share: Tensor;
}

/** (1 - share) average + share now, of parameters and running statistics, traced. */
export function moveAverage({ average, now, share }: AverageInputs): Weights<Tensor> {
  const rest = sub(1, share);
  const move = (from: Named<Tensor>, to: Named<Tensor>) =>
    Object.fromEntries(
      Object.entries(from).map(([name, value]) => [name, add(mul(value, rest), mul(to[name]!, share))]),
    );
  return { parameters: move(average.parameters, now.parameters), buffers: move(average.buffers, now.buffers) };
}
