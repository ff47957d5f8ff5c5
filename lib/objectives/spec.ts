import { UsageError } from "../core/mod.ts";
import { adaad, type AdaadSpec } from "./adaad.ts";
import { adaiad, type AdaiadSpec } from "./adaiad.ts";
import { adversarial, type AdversarialSpec } from "./adversarial_training.ts";
import { akd, type AkdSpec } from "./akd.ts";
import { ard, type ArdSpec } from "./ard.ts";
import { kd, type KdSpec } from "./distillation.ts";
import { gaussianNoise, type GaussianNoiseSpec } from "./gaussian_noise.ts";
import { iad, type IadSpec } from "./iad.ts";
import { kdiga, type KdigaSpec } from "./kdiga.ts";
import { mart, type MartSpec } from "./mart.ts";
import { igam, type IgamSpec } from "./igam.ts";
import { igdm, type IgdmSpec } from "./igdm.ts";
import { mtard, type MtardSpec } from "./mtard.ts";
import { saad, type SaadSpec } from "./saad.ts";
import type { Objective } from "./objective.ts";
import { rslad, type RsladSpec } from "./rslad.ts";
import { natural, type NaturalSpec } from "./supervised.ts";
import { trades, type TradesSpec } from "./trades.ts";

/** Any training objective, as plain JSON. */
export type ObjectiveSpec =
  | NaturalSpec
  | GaussianNoiseSpec
  | AdversarialSpec
  | KdSpec
  | KdigaSpec
  | TradesSpec
  | MartSpec
  | ArdSpec
  | AkdSpec
  | IadSpec
  | RsladSpec
  | AdaadSpec
  | AdaiadSpec
  | IgamSpec
  | IgdmSpec
  | MtardSpec
  | SaadSpec;

/** The objectives by kind. */
export const OBJECTIVES: { readonly [K in ObjectiveSpec["kind"]]: Objective<Extract<ObjectiveSpec, { kind: K }>> } = {
  natural,
  gaussianNoise,
  adversarial,
  kd,
  kdiga,
  trades,
  mart,
  ard,
  akd,
  iad,
  rslad,
  adaad,
  adaiad,
  igam,
  igdm,
  mtard,
  saad,
};

/**
 * The objective of a spec.
 *
 * @param spec The spec, whose `kind` picks it.
 * @returns The entry of {@linkcode OBJECTIVES}; call it with this spec.
 * @throws {UsageError} If there is no objective of that kind, or a field of the spec is out of its range.
 */
export function objectiveOf(spec: ObjectiveSpec): Objective<ObjectiveSpec> {
  if (!Object.hasOwn(OBJECTIVES, spec.kind)) {
    throw new UsageError(`Cannot train with "${spec.kind}": use one of ${Object.keys(OBJECTIVES).join(", ")}`);
  }
  const objective = OBJECTIVES[spec.kind] as unknown as Objective<ObjectiveSpec>;
  objective.check(spec);
  return objective;
}
