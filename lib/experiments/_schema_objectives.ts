import type {
  AdaadSpec,
  AdaiadSpec,
  AdversarialSpec,
  AkdSpec,
  ArdSpec,
  IadSpec,
  KdigaSpec,
  KdSpec,
  MartSpec,
  NaturalSpec,
  ObjectiveSpec,
  RsladSpec,
  TradesSpec,
} from "../objectives/mod.ts";
import { eps, kind } from "./_schema_fields.ts";
import { type Check, flag, integer, number, object, oneOf, optional } from "./schema.ts";

const distillation = {
  kind,
  alpha: number(0, 1),
  temperature: number(0),
  klReduction: optional(oneOf("batchMean", "elementMean")),
};
const innerAttack = {
  eps,
  steps: integer(),
  stepSize: optional(eps),
  relativeStepSize: optional(number(0)),
  norm: optional(oneOf("Linf", "L2")),
  start: optional(oneOf("uniform", "gaussian", "none")),
  studentMode: optional(oneOf("train", "eval")),
};
const taught = { kind, alpha: number(0, 1), klReduction: optional(oneOf("batchMean", "elementMean")), ...innerAttack };
const introspective = {
  kind,
  alpha: number(0, 1),
  temperature: number(0),
  beta: number(0),
  introspectiveFrom: optional(number(0, 1)),
  weighsTeacher: optional(flag),
  ...innerAttack,
};

/** Fields of each kind of objective. */
export const OBJECTIVE_CHECKS: { readonly [K in ObjectiveSpec["kind"]]: Check } = {
  natural: object<NaturalSpec>({ kind, labelSmoothing: optional(number(0, 1)) }),
  adversarial: object<AdversarialSpec>({
    kind,
    eps,
    steps: integer(),
    stepSize: optional(eps),
    relativeStepSize: optional(number(0)),
    randomStart: optional(flag),
    studentMode: optional(oneOf("train", "eval")),
  }),
  kd: object<KdSpec>(distillation),
  kdiga: object<KdigaSpec>({
    ...distillation,
    weight: number(0),
    scale: optional(oneOf("perExample", "releasedCode")),
    squared: optional(flag),
    randomStart: optional(eps),
    separatePasses: optional(flag),
  }),
  trades: object<TradesSpec>({ kind, beta: number(0), ...innerAttack }),
  mart: object<MartSpec>({ kind, lambda: number(0), floor: optional(number(0)), ...innerAttack }),
  ard: object<ArdSpec>({ ...distillation, teacherAt: optional(oneOf("clean", "adversarial")), ...innerAttack }),
  akd: object<AkdSpec>({ ...distillation, naturalAlpha: optional(number(0, 1)), ...innerAttack }),
  iad: object<IadSpec>(introspective),
  rslad: object<RsladSpec>(taught),
  adaad: object<AdaadSpec>(taught),
  adaiad: object<AdaiadSpec>(introspective),
};
