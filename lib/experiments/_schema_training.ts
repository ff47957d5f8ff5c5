import type {
  ConstantSchedule,
  CosineSchedule,
  LearningRateRule,
  OneCycleSchedule,
  OptimizerSpec,
  ScheduleSpec,
  SgdSpec,
  StepSchedule,
} from "../training/mod.ts";
import { kind } from "./_schema_fields.ts";
import { type Check, flag, list, number, object, oneOf, optional, text } from "./schema.ts";

/** Fields of each kind of optimizer. */
export const OPTIMIZER_CHECKS: { readonly [K in OptimizerSpec["kind"]]: Check } = {
  sgd: object<SgdSpec>({
    kind,
    momentum: optional(number(0, 1)),
    nesterov: optional(flag),
    weightDecay: optional(number(0)),
    noDecay: optional(list(text())),
    frozen: optional(list(text())),
    learningRates: optional(list(object<LearningRateRule>({ match: text(), factor: number(0) }))),
  }),
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
};
