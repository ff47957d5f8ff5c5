import { assert, assertAlmostEquals, assertEquals, assertLess, assertNotEquals, assertThrows } from "@std/assert";
import { philox4x32, type Rng, rng, withoutDraws } from "../../lib/core/mod.ts";

Deno.test("philox4x32() gives the known answers of Random123 for philox4x32-10", () => {
  // Random123, tests/kat_vectors.
  const ones = 0xffffffff;
  assertEquals(philox4x32([0, 0, 0, 0], [0, 0]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
  assertEquals(philox4x32([ones, ones, ones, ones], [ones, ones]), [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
  assertEquals(
    philox4x32([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]),
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  );
});

Deno.test("rng() is a value: every call gives the same numbers, a longer draw begins with the shorter", () => {
  const r = rng(7, "attack");
  assertEquals(r.uniform(5), r.uniform(5));
  assertEquals(r.uniform(9).slice(0, 5), r.uniform(5));
  assertEquals(r.normal(9).slice(0, 5), r.normal(5));
  assertEquals(r.integers(9, 10).slice(0, 5), r.integers(5, 10));
  assertEquals(r.uniform([2, 3]), r.uniform(6));
  assertEquals(r.uniform(0).length, 0);
  assertEquals([r.seed, r.path], [7, ["attack"]]);
});

Deno.test("rng() keeps its numbers from version to version", () => {
  // Literal values of this implementation: a change here changes every experiment.
  const r = rng(1, "a", 2);
  assertEquals(Array.from(r.integers(4, 1000)), GOLDEN.integers);
  assertEquals(Array.from(r.permutation(8)), GOLDEN.permutation);
  assertEquals(Array.from(r.uniform(3)), GOLDEN.uniform);
});

const GOLDEN = {
  "integers": [805, 499, 421, 799],
  "permutation": [5, 7, 4, 1, 2, 3, 6, 0],
  "uniform": [0.07711988687515259, 0.537106990814209, 0.9516804814338684],
};

Deno.test("Rng.child() of a path depends on the path alone, and different paths differ", () => {
  const root = rng(0);
  const same = (a: Rng, b: Rng) => a.uniform(8).join() === b.uniform(8).join();
  assert(same(root.child("a").child("b"), root.child("a", "b")));
  assert(same(rng(0, "a", "b"), root.child("a", "b")));
  assert(same(root.child(0), root.child(-0)));
  const streams = [
    root,
    rng(1),
    root.child("ab").child("c"),
    root.child("a").child("bc"),
    root.child("abc"),
    root.child("abc", ""),
    root.child("", "abc"),
    root.child("abc\0"),
    root.child(1),
    root.child("1"),
    root.child(1, 2),
    root.child(2, 1),
    root.child(12),
    root.child(0.5),
    root.child(-1),
    root.child(2 ** 40),
    root.child(2 ** 40 + 1),
  ];
  assertEquals(new Set(streams.map((s) => s.uniform(4).join())).size, streams.length);
  assertEquals(root.child("a", 3).path, ["a", 3]);
});

Deno.test("Rng.child() of 100,000 ids gives as many streams", () => {
  const root = rng(5, "image");
  const firsts = new Set(Array.from({ length: 100_000 }, (_, id) => root.child(id).integers(2, 2 ** 31).join()));
  assertEquals(firsts.size, 100_000);
});

Deno.test("rng() refuses seeds and keys that are not finite", () => {
  assertEquals(
    assertThrows(() => rng(NaN), RangeError).message,
    "Cannot use NaN as a seed or key: it needs a finite number",
  );
  assertThrows(() => rng(1).child(Infinity), RangeError);
});

Deno.test("Rng.uniform() fills the interval evenly", () => {
  const n = 100_000;
  const values = rng(2).uniform(n, -2, 6);
  assert(values.every((v) => v >= -2 && v < 6));
  // Chi-square over 64 bins: mean 63, standard deviation 11.2; 5 of these are allowed.
  const bins = new Array(64).fill(0);
  for (const v of values) bins[Math.floor((v + 2) * 8)]++;
  assertLess(Math.abs(bins.reduce((sum, count) => sum + (count - n / 64) ** 2 / (n / 64), 0) - 63), 56);
  const pairs = values.subarray(1).reduce((sum, v, i) => sum + (v - 2) * (values[i]! - 2), 0) / n;
  assertLess(Math.abs(pairs), 5 * (64 / 12) / Math.sqrt(n));
  assert(rng(3).uniform(n).every((v) => v >= 0 && v < 1));
});

Deno.test("Rng.normal() has the moments of a normal distribution", () => {
  const n = 200_000;
  const values = rng(4).normal(n, 1, 3);
  const moment = (k: number) => values.reduce((sum, v) => sum + ((v - 1) / 3) ** k, 0) / n;
  assertAlmostEquals(moment(1), 0, 5 / Math.sqrt(n));
  assertAlmostEquals(moment(2), 1, 5 * Math.sqrt(2 / n));
  assertAlmostEquals(moment(3), 0, 5 * Math.sqrt(15 / n));
  assertAlmostEquals(moment(4), 3, 5 * Math.sqrt(96 / n));
  assertAlmostEquals(values.filter((v) => v > 1 + 3 * 1.959964).length / n, 0.025, 0.002);
  assert(values.every(Number.isFinite));
  assertEquals(rng(4).normal(3).length, 3);
});

Deno.test("Rng.integers() are below the bound, evenly", () => {
  const counts = new Array(7).fill(0);
  for (const v of rng(5).integers(70_000, 7)) counts[v]++;
  for (const count of counts) assertLess(Math.abs(count - 10_000), 5 * Math.sqrt(10_000));
  assertEquals(Array.from(rng(5).integers(3, 1)), [0, 0, 0]);
  assert(rng(5).integers(1000, 2 ** 31).every((v) => v >= 0));
  for (const below of [0, -1, 1.5, 2 ** 31 + 1]) {
    assertEquals(
      assertThrows(() => rng(5).integers(3, below), RangeError).message,
      `Cannot draw integers below ${below}: it needs an integer from 1 to 2^31`,
    );
  }
});

Deno.test("Rng.permutation() is one, and every order of three is as likely", () => {
  assertEquals(Array.from(rng(6).permutation(1000)).sort((a, b) => a - b), Array.from({ length: 1000 }, (_, i) => i));
  const counts = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    const order = rng(6, i).permutation(3).join();
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assertEquals(counts.size, 6);
  for (const count of counts.values()) assertLess(Math.abs(count - 1000), 5 * Math.sqrt(1000));
  assertEquals(rng(6).permutation(0).length, 0);
  assertThrows(() => rng(6).permutation(-1), RangeError, "Cannot draw -1 numbers: it needs an integer of 0 or more");
});

Deno.test("Rng draws of different kinds are not the same bits", () => {
  const r = rng(8);
  assertNotEquals(Array.from(r.uniform(8), (v) => Math.floor(v * 1000)), Array.from(r.integers(8, 1000)));
});

Deno.test("Rng draws inside a traced function are an error", () => {
  const draw = () => rng(1).uniform(3);
  assertEquals(
    assertThrows(() => withoutDraws("step", draw), TypeError).message,
    'Cannot draw random numbers inside the traced program "step": draw them before the call and pass them in',
  );
  assertEquals(draw().length, 3);
});
