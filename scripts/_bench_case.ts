import { UsageError } from "../mod.ts";
import type { BenchCase } from "./_bench_arrays.ts";

/**
 * Reads a case such as "16x64", or "vit-192x64" of a vision transformer.
 *
 * @throws {UsageError} If it is something else.
 */
export function parseCase(text: string): BenchCase {
  const found = text.match(/^(vit-)?([1-9]\d{0,3})x([1-9]\d{0,3})$/);
  if (!found) {
    throw new UsageError(`Cannot measure the case "${text}": write WIDTHxBATCH, such as 16x64, or vit-192x64`);
  }
  const size = { width: Number(found[2]), batch: Number(found[3]) };
  return found[1] ? { kind: "vit", ...size } : size;
}
