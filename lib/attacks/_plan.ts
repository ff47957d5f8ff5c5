import { parseEps } from "../core/mod.ts";
import type { FgsmSpec, Norm, PgdSpec } from "./attack.ts";
import { validateSpec } from "./validate_spec.ts";

/** A gradient attack at one radius, with every default filled in. */
export interface Plan {
  readonly norm: Exclude<Norm, "L1">;
  readonly loss: NonNullable<PgdSpec["loss"]>;
  readonly steps: number;
  /** Length of a step in pixel units. */
  readonly stepSize: number;
  readonly restarts: number;
  readonly randomStart: boolean;
  readonly momentum: PgdSpec["momentum"];
  readonly target: PgdSpec["target"];
}

/**
 * Fills in the defaults of a spec.
 *
 * @param spec The attack.
 * @param eps Radius in pixel units.
 * @returns The plan.
 * @throws {UsageError} As {@linkcode validateSpec}.
 */
export function planOf(spec: FgsmSpec | PgdSpec, eps: number): Plan {
  validateSpec(spec, [eps]);
  const { norm = "Linf", loss = "crossEntropy" } = spec;
  if (spec.kind === "fgsm") {
    const plain = { restarts: 1, randomStart: false, momentum: undefined, target: undefined };
    return { norm, loss, steps: 1, stepSize: eps, ...plain };
  }
  const { steps, restarts = 1, randomStart = true, momentum, target } = spec;
  const stepSize = spec.stepSize === undefined
    ? eps * (spec.relativeStepSize ?? Math.min(2.5 / steps, 2))
    : parseEps(spec.stepSize);
  return { norm, loss, steps, stepSize, restarts, randomStart, momentum, target };
}
