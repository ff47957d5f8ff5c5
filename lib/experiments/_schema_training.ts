import type {
  AdamSpec,
  AdamWSpec,
  AverageSpec,
  ClipSpec,
  ConstantSchedule,
  CosineSchedule,
  CyclicSchedule,
  EmaSpec,
  LearningRateRule,
  OneCycleSchedule,
  OptimizerBase,
  OptimizerSpec,
  PiecewiseSchedule,
  ScheduleSpec,
  SgdSpec,
  StepSchedule,
  SwaSpec,
} from "../training/mod.ts";
import { kind } from "./_schema_fields.ts";
import { type Check, type Fields, flag, integer, list, number, object, oneOf, optional, text } from "./schema.ts";

const optimizer: Fields<OptimizerBase> = {
  weightDecay: optional(number(0)),
  noDecay: optional(list(text())),
  frozen: optional(list(text())),
  learningRates: optional(list(object<LearningRateRule>({ match: text(), factor: number(0) }))),
  clip: optional(object<ClipSpec>({ kind: oneOf("norm", "value"), max: number(0) })),
};
const adam = { ...optimizer, kind, betas: optional(list(number(0, 1))), epsilon: optional(number(0)) };
/** Fields of each kind of optimizer. */
export const OPTIMIZER_CHECKS: { readonly [K in OptimizerSpec["kind"]]: Check } = {
  sgd: object<SgdSpec>({ ...optimizer, kind, momentum: optional(number(0, 1)), nesterov: optional(flag) }),
  adam: object<AdamSpec>(adam),
  adamw: object<AdamWSpec>(adam),
};
const schedule = { kind, peak: number(0), warmUp: optional(number(0, 1)) };
/** Fields of each kind of schedule. */
export const SCHEDULE_CHECKS: { readonly [K in ScheduleSpec["kind"]]: Check } = {
  constant: object<ConstantSchedule>(schedule),
  step: object<StepSchedule>({
    ...schedule,
    milestones: list(number(0)),
    epochs: optional(number(0)),
    factor: optional(number(0)),
  }),
  cosine: object<CosineSchedule>({ ...schedule, final: optional(number(0)) }),
  oneCycle: object<OneCycleSchedule>({
    ...schedule,
    anneal: optional(oneOf("cosine", "linear")),
    startDivisor: optional(number(0)),
    finalDivisor: optional(number(0)),
  }),
  cyclic: object<CyclicSchedule>({
    ...schedule,
    base: optional(number(0)),
    cycles: optional(number(0)),
    rise: optional(number(0, 1)),
    factor: optional(number(0)),
  }),
  piecewise: object<PiecewiseSchedule>({ ...schedule, knots: list(list(number(0, 1))) }),
};
const average = { kind, weights: optional(oneOf("last", "average")) };
/** Fields of each kind of average of weights. */
export const AVERAGE_CHECKS: { readonly [K in AverageSpec["kind"]]: Check } = {
  ema: object<EmaSpec>({ ...average, decay: number(0, 1), warmUp: optional(flag) }),
  swa: object<SwaSpec>({
    ...average,
    from: number(0, 1),
    every: optional(integer()),
    statisticsBatches: optional(integer()),
  }),
};
