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
import type { Objective, OwnObjective } from "./objective.ts";
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

/** What can be trained for: an objective of this library by its spec, or one that is written elsewhere. */
export type AnyObjective = ObjectiveSpec | OwnObjective;

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
 * @param spec The spec, whose `kind` picks it; or an objective itself.
 * @returns The entry of {@linkcode OBJECTIVES}, or the objective; call it with this spec.
 * @throws {UsageError} If there is no objective of that kind, or a field of the spec is out of its range.
 */
export function objectiveOf(spec: AnyObjective): Objective<AnyObjective> {
  const objective = "losses" in spec ? spec : tabled(spec.kind);
  objective.check(spec);
  return objective;
}

function tabled(kind: ObjectiveSpec["kind"]): Objective<AnyObjective> {
  if (Object.hasOwn(OBJECTIVES, kind)) return OBJECTIVES[kind] as unknown as Objective<AnyObjective>;
  throw new UsageError(`Cannot train with "${kind}": use one of ${Object.keys(OBJECTIVES).join(", ")}`);
}
