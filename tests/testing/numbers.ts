import { float32, type NdArray, rng, sizeOf } from "../../lib/core/mod.ts";

/** An array of normal numbers, the same for the same shape and key. */
export function normal(shape: readonly number[], key: string | number, std = 1): NdArray<"float32"> {
  return float32(shape, rng(7, "test", key).normal(sizeOf(shape), 0, std));
}

/** An array of uniform numbers in [low, high), the same for the same shape and key. */
export function uniform(shape: readonly number[], key: string | number, low = 0, high = 1): NdArray<"float32"> {
  return float32(shape, rng(7, "test", key).uniform(sizeOf(shape), low, high));
}
