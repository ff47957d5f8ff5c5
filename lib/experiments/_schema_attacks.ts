import type {
  ApgdSpec,
  AttackSpec,
  AutoAttackSpec,
  DdnSpec,
  FabSpec,
  FgsmSpec,
  PgdSpec,
  SquareSpec,
} from "../attacks/mod.ts";
import { eps, kind } from "./_schema_fields.ts";
import { type Check, flag, integer, list, number, object, oneOf, optional, union } from "./schema.ts";

/** Norms of attacks that are trained with or analysed. */
export const batchNorms = optional(oneOf("Linf", "L2"));
const norms = optional(oneOf("Linf", "L2", "L1"));
const attackLoss = optional(oneOf("crossEntropy", "margin", "dlr"));
const share01 = optional(number(0, 1));
const target: Check = (value, path) =>
  typeof value === "number" ? integer(0)(value, path) : oneOf("leastLikely", "next")(value, path);
const version: Check = (value, path) =>
  typeof value === "string" ? oneOf("standard", "plus", "rand")(value, path) : list(union(ATTACK_CHECKS))(value, path);
/** Fields of each kind of attack. */
export const ATTACK_CHECKS: { readonly [K in AttackSpec["kind"]]: Check } = {
  fgsm: object<FgsmSpec>({ kind, norm: batchNorms, loss: attackLoss, samples: optional(integer()) }),
  pgd: object<PgdSpec>({
    kind,
    norm: batchNorms,
    loss: optional(oneOf("crossEntropy", "margin", "dlr", "klToClean", "targetedDlr")),
    steps: integer(),
    relativeStepSize: optional(number(0)),
    stepSize: optional(eps),
    restarts: optional(integer()),
    randomStart: optional(flag),
    momentum: share01,
    target: optional(target),
    samples: optional(integer()),
  }),
  apgd: object<ApgdSpec>({
    kind,
    norm: norms,
    loss: optional(oneOf("crossEntropy", "margin", "dlr", "targetedDlr")),
    steps: optional(integer()),
    restarts: optional(integer()),
    targets: optional(integer()),
    rho: share01,
    largerReps: optional(flag),
    samples: optional(integer()),
  }),
  fab: object<FabSpec>({
    kind,
    norm: norms,
    steps: optional(integer()),
    restarts: optional(integer()),
    targets: optional(integer()),
    alphaMax: share01,
    eta: optional(number(1, 2)),
    beta: share01,
  }),
  ddn: object<DdnSpec>({
    kind,
    norm: oneOf("L2"),
    steps: optional(integer()),
    gamma: share01,
    initialNorm: optional(number(0)),
  }),
  square: object<SquareSpec>({
    kind,
    norm: norms,
    queries: optional(integer()),
    pInit: share01,
    restarts: optional(integer()),
  }),
  autoattack: object<AutoAttackSpec>({ kind, norm: norms, version: optional(version) }),
};
