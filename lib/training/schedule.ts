import { UsageError } from "../core/mod.ts";

/** What every schedule has. */
export interface ScheduleBase {
  /** Largest learning rate. */
  readonly peak: number;
  /**
   * Share of training, from its start, over which the rate of the schedule is multiplied by a line that rises to 1:
   * min(1, (step + 1) / (warmUp * totalSteps)).
   * @default {0}
   */
  readonly warmUp?: number;
}

/** The peak at every step. */
export interface ConstantSchedule extends ScheduleBase {
  /** Discriminates the schedules. */
  readonly kind: "constant";
}

/** The peak, multiplied by a factor at each milestone. */
export interface StepSchedule extends ScheduleBase {
  /** Discriminates the schedules. */
  readonly kind: "step";
  /** When, rising: shares of training, or epochs out of `epochs`. */
  readonly milestones: readonly number[];
  /**
   * Number of epochs that the milestones are counted in: `milestones: [100, 150], epochs: 200`.
   * @default {1: milestones are shares of training}
   */
  readonly epochs?: number;
  /** Factor at each milestone. @default {0.1} */
  readonly factor?: number;
}

/** Half a cosine from the peak to `final`: final + (peak - final) (1 + cos(pi step / totalSteps)) / 2. */
export interface CosineSchedule extends ScheduleBase {
  /** Discriminates the schedules. */
  readonly kind: "cosine";
  /** Rate that is neared at the end. @default {0} */
  readonly final?: number;
}

/** From peak / startDivisor up to the peak and down to peak / startDivisor / finalDivisor. */
export interface OneCycleSchedule {
  /** Discriminates the schedules. */
  readonly kind: "oneCycle";
  /** Largest learning rate. */
  readonly peak: number;
  /** Share of training in which the rate rises. @default {0.3} */
  readonly warmUp?: number;
  /** Form of both parts. @default {"cosine"} */
  readonly anneal?: "cosine" | "linear";
  /** Peak over first rate. @default {25} */
  readonly startDivisor?: number;
  /** First rate over last rate. @default {10000} */
  readonly finalDivisor?: number;
}

/** Up from `base` to the peak and down again, in straight lines, some times over. */
export interface CyclicSchedule extends ScheduleBase {
  /** Discriminates the schedules. */
  readonly kind: "cyclic";
  /** Rate at both ends of a cycle. @default {0} */
  readonly base?: number;
  /** Number of cycles, also a broken one. @default {1} */
  readonly cycles?: number;
  /** Share of a cycle in which the rate rises. @default {0.5} */
  readonly rise?: number;
  /** Factor of what is above `base` from one cycle to the next. @default {1} */
  readonly factor?: number;
}

/** Straight lines between knots. */
export interface PiecewiseSchedule extends ScheduleBase {
  /** Discriminates the schedules. */
  readonly kind: "piecewise";
  /** Shares of training, rising from 0 or more to 1 or less, and the rate there as a share of the peak. */
  readonly knots: readonly (readonly [share: number, rate: number])[];
}

/** Any learning-rate schedule, as plain JSON. */
export type ScheduleSpec =
  | ConstantSchedule
  | StepSchedule
  | CosineSchedule
  | OneCycleSchedule
  | CyclicSchedule
  | PiecewiseSchedule;

/** A schedule of one kind: the rate at a step. */
export type Schedule<S> = (spec: S, step: number, totalSteps: number) => number;

/**
 * The schedules by kind.
 *
 * Source: `MultiStepLR`, `CosineAnnealingLR`, `OneCycleLR` and `CyclicLR` of PyTorch 2 (Loshchilov and Hutter 2017; Smith
 * and Topin 2018; Smith 2017), stepped once per training step: factor 1 is mode "triangular", 0.5 "triangular2". The
 * piecewise one as Wong, Rice, Kolter (2020) write 0, peak, 0 (`np.interp` at (step + 1) / totalSteps, so that the last
 * step has the last rate).
 * Differs from `OneCycleLR` in leaving the momentum as it is, and from chained schedulers in that the warm-up does not
 * shift the schedule.
 */
export const SCHEDULES: { readonly [K in ScheduleSpec["kind"]]: Schedule<Extract<ScheduleSpec, { kind: K }>> } = {
  constant: (spec, step, totalSteps) => spec.peak * warmUpFactor(spec, step, totalSteps),

  step(spec, step, totalSteps) {
    const { milestones, epochs = 1, factor = 0.1 } = spec;
    if (!(epochs > 0) || milestones.some((at, i) => !(at > (milestones[i - 1] ?? 0) && at <= epochs))) {
      const unit = epochs === 1 ? "shares of training in (0, 1]" : `epochs in (0, ${epochs}]`;
      throw new UsageError(`Cannot use the milestones [${milestones.join(", ")}]: write rising ${unit}`);
    }
    const passed = milestones.filter((at) => step >= Math.round(at / epochs * totalSteps)).length;
    return spec.peak * factor ** passed * warmUpFactor(spec, step, totalSteps);
  },

  cosine(spec, step, totalSteps) {
    const { peak, final = 0 } = spec;
    return blend("cosine", peak, final, step / totalSteps) * warmUpFactor(spec, step, totalSteps);
  },

  oneCycle(spec, step, totalSteps) {
    const { peak, warmUp = 0.3, anneal = "cosine", startDivisor = 25, finalDivisor = 1e4 } = spec;
    if (!(startDivisor > 0 && finalDivisor > 0)) {
      throw new UsageError(
        `Cannot use the divisors ${startDivisor} and ${finalDivisor} of a rate: they must be positive`,
      );
    }
    const first = peak / startDivisor;
    const last = first / finalDivisor;
    // The top is at this step, not always a whole one; the last step is totalSteps - 1.
    const top = Math.max(0, warmUp * totalSteps - 1);
    const end = totalSteps - 1;
    if (step < top) return blend(anneal, first, peak, step / top);
    return end > top ? blend(anneal, peak, last, (step - top) / (end - top)) : peak;
  },

  cyclic(spec, step, totalSteps) {
    const { peak, base = 0, cycles = 1, rise = 0.5, factor = 1 } = spec;
    if (!(base >= 0 && base <= peak)) {
      throw new UsageError(`Cannot begin a cycle at the rate ${base}: write a number from 0 to the peak ${peak}`);
    }
    if (!(cycles > 0 && cycles < Infinity && rise > 0 && rise < 1 && factor > 0 && factor < Infinity)) {
      throw new UsageError(
        `Cannot use ${cycles} cycles that rise over ${rise} and shrink by ${factor}: write positive numbers, the rise ` +
          "below 1",
      );
    }
    const at = step * cycles / totalSteps;
    const cycle = Math.floor(at);
    const height = at - cycle <= rise ? (at - cycle) / rise : (1 - (at - cycle)) / (1 - rise);
    return (base + (peak - base) * height * factor ** cycle) * warmUpFactor(spec, step, totalSteps);
  },

  piecewise(spec, step, totalSteps) {
    const { peak, knots } = spec;
    const rising = knots.every(([share], i) => share >= 0 && share <= 1 && (i === 0 || share > knots[i - 1]![0]));
    if (knots.length === 0 || !rising || !knots.every(([, rate]) => rate >= 0 && rate <= 1)) {
      throw new UsageError(
        `Cannot use the knots ${
          JSON.stringify(knots)
        }: write rising shares of training with shares of the peak, such ` +
          "as [[0, 0], [0.4, 1], [1, 0]]",
      );
    }
    const share = (step + 1) / totalSteps;
    const next = knots.findIndex(([end]) => end > share);
    const [from, to] = [knots[next - 1] ?? knots.at(next === 0 ? 0 : -1)!, knots[next] ?? knots.at(-1)!];
    const weight = to[0] > from[0] ? (share - from[0]) / (to[0] - from[0]) : 0;
    return peak * blend("linear", from[1], to[1], weight) * warmUpFactor(spec, step, totalSteps);
  },
};

/**
 * Learning rate of a training step: a pure function, so that a resumed run has the rates of an uninterrupted one.
 *
 * @param spec The schedule.
 * @param step Step, from 0.
 * @param totalSteps Steps of the whole training.
 * @returns The rate, 0 or more.
 * @throws {UsageError} If the peak is not positive, or a field of the schedule is out of its range.
 */
export function learningRate(spec: ScheduleSpec, step: number, totalSteps: number): number {
  const { peak, warmUp = 0 } = spec;
  if (!(peak > 0 && peak < Infinity)) {
    throw new UsageError(`Cannot use ${peak} as the largest learning rate: write a positive number such as 0.1`);
  }
  if (!(warmUp >= 0 && warmUp <= 1)) {
    throw new UsageError(`Cannot warm up over ${warmUp} of training: write a share from 0 to 1`);
  }
  return (SCHEDULES[spec.kind] as Schedule<ScheduleSpec>)(spec, step, totalSteps);
}

function warmUpFactor({ warmUp = 0 }: ScheduleBase, step: number, totalSteps: number): number {
  return warmUp > 0 ? Math.min(1, (step + 1) / (warmUp * totalSteps)) : 1;
}

/** From `start` (share 0) to `end` (share 1). */
function blend(form: "cosine" | "linear", start: number, end: number, share: number): number {
  const weight = form === "linear" ? share : (1 - Math.cos(Math.PI * share)) / 2;
  return start + (end - start) * weight;
}
