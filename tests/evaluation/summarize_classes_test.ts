import { assertEquals, assertThrows } from "@std/assert";
import { DataError, wilson } from "../../lib/core/mod.ts";
import { summarize, summarizeClasses } from "../../lib/evaluation/mod.ts";
import { evidence } from "./_evidence.ts";

const ROWS = [
  ...evidence("clean", "0", "0100000"),
  ...evidence("pgd-20", "8/255", "0101010"),
  ...evidence("pgd-20", "2/255", "0101000"),
  ...evidence("clean", "0", "1000000", "kd"),
];

Deno.test("summarizeClasses() counts the images of each class", () => {
  const rows = summarizeClasses(ROWS);
  assertEquals(rows.map((row) => `${row.method} ${row.attack} ${row.eps} ${row.label} ${row.correct}/${row.n}`), [
    "kdiga clean 0 0 4/4",
    "kdiga clean 0 1 2/3",
    "kdiga pgd-20 2/255 0 4/4",
    "kdiga pgd-20 2/255 1 1/3",
    "kdiga pgd-20 8/255 0 4/4",
    "kdiga pgd-20 8/255 1 0/3",
    "kdiga worst 2/255 0 4/4",
    "kdiga worst 2/255 1 1/3",
    "kdiga worst 8/255 0 4/4",
    "kdiga worst 8/255 1 0/3",
    "kd clean 0 0 3/4",
    "kd clean 0 1 3/3",
  ]);
  for (const { correct, n, rate, low, high } of rows) assertEquals({ rate, low, high }, wilson(correct, n));
});

Deno.test("summarizeClasses() and summarize() count the same images", () => {
  const classes = summarizeClasses(ROWS);
  for (const { method, attack, eps, n, correct } of summarize(ROWS)) {
    const own = classes.filter((row) => row.method === method && row.attack === attack && row.eps === eps);
    assertEquals(own.reduce((sum, row) => sum + row.n, 0), n);
    assertEquals(own.reduce((sum, row) => sum + row.correct, 0), correct);
  }
  assertThrows(() => summarizeClasses([...ROWS, ROWS[0]!]), DataError, "stands twice");
});
