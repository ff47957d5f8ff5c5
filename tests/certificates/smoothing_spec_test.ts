import { assertEquals, assertThrows } from "@std/assert";
import { smoothing } from "../../lib/certificates/mod.ts";
import { UsageError } from "../../lib/core/mod.ts";

Deno.test("smoothing() fills in the constants of Cohen et al.", () => {
  assertEquals(smoothing({ sigma: 0.5, batchSize: 10 }), {
    sigma: 0.5,
    draws: 100_000,
    selectionDraws: 100,
    alpha: 0.001,
    batchSize: 10,
  });
});

Deno.test("smoothing() refuses fields out of range", () => {
  assertThrows(() => smoothing({ sigma: -1 }), UsageError, "Cannot smooth with sigma = -1: write a number above 0");
  assertThrows(() => smoothing({ sigma: 1, alpha: 0 }), UsageError, "Cannot certify with alpha = 0: write a number");
  assertThrows(
    () => smoothing({ sigma: 1, draws: 1.5 }),
    UsageError,
    "Cannot smooth with draws = 1.5: write a positive",
  );
});
