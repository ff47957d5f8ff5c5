import { assertEquals } from "@std/assert";
import { eta, formatDuration } from "../../lib/core/mod.ts";

Deno.test("eta() goes on at the mean speed so far", () => {
  assertEquals(eta(1000, 11_000, 25, 100), 30);
  assertEquals(eta(0, 5, 0, 100), undefined);
  assertEquals(eta(0, 5, 100, 100), 0);
  assertEquals(eta(0, 5, 0, 0), 0);
  assertEquals(eta(10, 5, 1, 2), 0);
});

Deno.test("formatDuration() writes minutes, and hours where there are some", () => {
  assertEquals([0, 7.4, 59.6, 754, 3723, 360_000].map(formatDuration), [
    "0:00",
    "0:07",
    "1:00",
    "12:34",
    "1:02:03",
    "100:00:00",
  ]);
  assertEquals([undefined, NaN, Infinity].map(formatDuration), ["-:--", "-:--", "-:--"]);
});
