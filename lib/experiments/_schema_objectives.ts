import type { AdversarialSpec, KdigaSpec, KdSpec, NaturalSpec, ObjectiveSpec } from "../objectives/mod.ts";
import { eps, kind } from "./_schema_fields.ts";
import { type Check, flag, integer, number, object, oneOf, optional } from "./schema.ts";

const distillation = {
  kind,
  alpha: number(0, 1),
  temperature: number(0),
  klReduction: optional(oneOf("batchMean", "elementMean")),
};
/** Fields of each kind of objective. */
export const OBJECTIVE_CHECKS: { readonly [K in ObjectiveSpec["kind"]]: Check } = {
  natural: object<NaturalSpec>({ kind }),
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
};
