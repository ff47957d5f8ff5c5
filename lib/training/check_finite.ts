import { DivergedError, type NdArray } from "../core/mod.ts";
import type { Weights } from "../models/mod.ts";

/**
 * Refuses weights that a training step left not finite.
 *
 * @param weights Parameters and running statistics, in memory.
 * @param step The step, from 0.
 * @throws {DivergedError} With the name of the first array that holds NaN or an infinity.
 */
export function checkFinite({ parameters, buffers }: Weights<NdArray>, step: number): void {
  for (const [key, { data }] of Object.entries({ ...parameters, ...buffers })) {
    for (const value of data) if (!Number.isFinite(value)) throw new DivergedError(step, key, value);
  }
}
