import { UsageError } from "../core/mod.ts";

/** Norms of the balls that certificates are for. */
export type CertifiedNorm = "Linf" | "L2";

/** How slopes are improved: steps of gradient ascent on the bound, kept between 0 and 1. */
export interface SlopeOptimisation {
  /** Steps. */
  readonly steps: number;
  /** How far a slope moves in the first step, 0 to 1; then 0.98 times as far in each. @default {0.1} */
  readonly rate?: number;
}

/** Interval bound propagation, the last linear layers joined with the margins. */
export interface IbpSpec {
  /** Discriminates the union. */
  readonly kind: "ibp";
}

/** Linear bounds, backward. */
export interface CrownSpec {
  /** Discriminates the union. */
  readonly kind: "crown";
  /**
   * Where the intervals before each nonlinearity come from: "ibp" (CROWN-IBP), or "crown", by linear bounds of every
   * unit, which costs a backward pass for each of them. @default {"ibp"}
   */
  readonly intermediate?: "ibp" | "crown";
  /** Improves the slopes below rectifiers for each margin (alpha-CROWN). @default none: adaptive slopes */
  readonly optimise?: SlopeOptimisation;
}

/** How margins are bounded. */
export type BoundSpec = IbpSpec | CrownSpec;

/**
 * The name of a way to bound: "ibp", "crown-ibp", "crown", "alpha-crown-20", "alpha-crown-ibp-20".
 *
 * @param spec The way.
 * @throws {UsageError} If it is none.
 */
export function boundName(spec: BoundSpec): string {
  checkBoundSpec(spec);
  if (spec.kind === "ibp") return "ibp";
  const { intermediate = "ibp", optimise } = spec;
  const name = intermediate === "ibp" ? "crown-ibp" : "crown";
  return optimise ? `alpha-${name}-${optimise.steps}` : name;
}

/**
 * Refuses a spec that cannot be used.
 *
 * @param spec What is asked for.
 * @throws {UsageError} If the kind is unknown or a setting out of range.
 */
export function checkBoundSpec(spec: BoundSpec): void {
  const unusable = (key: string, value: unknown, advice: string) =>
    new UsageError(`Cannot bound margins with ${key} ${JSON.stringify(value)}: ${advice}`);
  const kinds: readonly BoundSpec["kind"][] = ["ibp", "crown"];
  if (!kinds.includes(spec.kind)) throw unusable("kind", spec.kind, "it needs ibp or crown");
  const known: Readonly<Record<string, true>> = spec.kind === "ibp"
    ? { kind: true }
    : { kind: true, intermediate: true, optimise: true };
  const foreign = Object.keys(spec).find((key) => !known[key]);
  if (foreign !== undefined) throw unusable("the key", foreign, `${spec.kind} has ${Object.keys(known).join(", ")}`);
  if (spec.kind === "ibp") return;
  const { intermediate = "ibp", optimise } = spec;
  if (!["ibp", "crown"].includes(intermediate)) throw unusable("intermediate", intermediate, "it needs ibp or crown");
  if (optimise === undefined) return;
  const { steps, rate = 0.1 } = optimise;
  if (!Number.isInteger(steps) || steps < 1) throw unusable("steps", steps, "it needs an integer of 1 or more");
  if (!(rate > 0 && rate <= 1)) throw unusable("rate", rate, "it needs a number above 0 and at most 1");
}
