import { assertThrows } from "@std/assert";
import { DivergedError, float32 } from "../../lib/core/mod.ts";
import { checkFinite } from "../../lib/training/mod.ts";

Deno.test("checkFinite() names the first array that is not finite, and its step", () => {
  const weights = (value: number) => ({
    parameters: { "fc.weight": float32([2], [1, -3e38]), "fc.bias": float32([2], [0, value]) },
    buffers: { "bn.running_var": float32([1], [value]) },
  });
  checkFinite(weights(1), 7);
  for (const value of [NaN, Infinity, -Infinity]) {
    const error = assertThrows(() => checkFinite(weights(value), 7), DivergedError);
    for (const part of ["fc.bias", "7", String(value)]) if (!error.message.includes(part)) throw error;
  }
});
