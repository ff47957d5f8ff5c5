import { AssertionError } from "@std/assert";
import type { NdArray } from "../../lib/core/mod.ts";

/** How far two arrays may lie apart: |actual - expected| <= absolute + relative * scale, scale = max |expected|. */
export interface Tolerance {
  readonly absolute: number;
  readonly relative: number;
}

/** Asserts that two arrays have the same shape and dtype and nearly the same elements; NaN equals nothing. */
export function assertClose(actual: NdArray, expected: NdArray, tolerance: Tolerance, what = "array"): void {
  if (actual.dtype !== expected.dtype || String(actual.shape) !== String(expected.shape)) {
    throw new AssertionError(
      `${what}: expected ${expected.dtype}[${expected.shape}], got ${actual.dtype}[${actual.shape}]`,
    );
  }
  const scale = Array.from(expected.data).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const allowed = tolerance.absolute + tolerance.relative * scale;
  actual.data.forEach((value: number, index: number) => {
    const difference = Math.abs(value - expected.data[index]!);
    if (!(difference <= allowed)) {
      throw new AssertionError(
        `${what}: element ${index} is ${value}, expected ${expected.data[index]} within ${allowed} (scale ${scale})`,
      );
    }
  });
}
