import { assert, assertAlmostEquals, assertEquals, assertLessOrEqual } from "@std/assert";
import { float32, type NdArray, rng } from "../../lib/core/mod.ts";
import { createEngine, type Engine, type Tensor } from "../../lib/engine/mod.ts";
import { towardsHyperplane } from "../../lib/attacks/_hyperplane_projection.ts";
import type { Norm } from "../../lib/attacks/mod.ts";
import { testOnEngines } from "../testing/engines.ts";
import { dot, lengthOf, shortestWay } from "./_shortest_way.ts";

const NORMS: readonly Norm[] = ["Linf", "L2", "L1"];

const reference = await createEngine("reference");

/** The way of each row. */
async function ways(x: NdArray, w: NdArray, gap: readonly number[], norm: Norm, engine: Engine = reference) {
  type In = Readonly<Record<"x" | "w" | "gap", Tensor>>;
  const program = engine.compile(({ x, w, gap }: In) => towardsHyperplane(x, w, gap, norm));
  const value = await program({ x, w, gap: float32([gap.length, 1], gap) });
  const { data } = await engine.read(value);
  value.dispose();
  program.dispose();
  const size = x.shape[1]!;
  return gap.map((_, row) => Array.from(data.subarray(row * size, (row + 1) * size)));
}

const way = async (x: readonly number[], w: readonly number[], gap: number, norm: Norm) =>
  (await ways(float32([1, x.length], x), float32([1, w.length], w), [gap], norm))[0]!;

Deno.test("towardsHyperplane() is the shortest way in closed form where the box is far", async () => {
  // <w, d> = -0.2 with w = (3, -4): 0.2/7 for every pixel, 0.2 w / 25, 0.2/4 of the pixel of the largest weight.
  const [x, w] = [[0.5, 0.5], [3, -4]];
  assertVector(await way(x, w, 0.2, "Linf"), [-0.2 / 7, 0.2 / 7]);
  assertVector(await way(x, w, 0.2, "L2"), [-0.2 * 3 / 25, 0.2 * 4 / 25]);
  assertVector(await way(x, w, 0.2, "L1"), [0, 0.05]);
  assertVector(await way(x, w, -0.2, "Linf"), [0.2 / 7, -0.2 / 7]);
  assertVector(await way(x, w, -0.2, "L2"), [0.2 * 3 / 25, -0.2 * 4 / 25]);
  assertVector(await way(x, w, -0.2, "L1"), [0, -0.05]);
});

Deno.test("towardsHyperplane() goes along the border of the box", async () => {
  // The second pixel may rise by 0.1 alone: 4 * 0.1 of the gap of 1 is closed by it, 3 * 0.2 by the first.
  const [x, w] = [[0.5, 0.9], [3, -4]];
  for (const norm of NORMS) assertVector(await way(x, w, 1, norm), [-0.2, 0.1]);
});

Deno.test("towardsHyperplane() goes to the nearest corner where the hyperplane passes the box by", async () => {
  // Pixels of weight 0 stay.
  for (const norm of NORMS) {
    assertVector(await way([0.3, 0.6, 0.5], [2, -1, 0], 5, norm), [-0.3, 0.4, 0]);
    assertVector(await way([0.3, 0.6, 0.5], [2, -1, 0], -5, norm), [0.7, -0.6, 0]);
    // Exactly the corner, and pixels that are there already.
    assertVector(await way([0.3, 0.6, 0.5], [2, -1, 0], 1, norm), [-0.3, 0.4, 0]);
    assertVector(await way([0, 1, 0.5], [2, -1, 0], 1, norm), [0, 0, 0]);
  }
});

Deno.test("towardsHyperplane() stays where the weights are zero or the gap is", async () => {
  for (const norm of NORMS) {
    assertVector(await way([0.3, 1], [0, 0], 1, norm), [0, 0]);
    assertVector(await way([0.3, 0], [0, 0], -1, norm), [0, 0]);
    assertVector(await way([0.3, 0], [0, 0], 0, norm), [0, 0]);
    assertVector(await way([0.3, 1], [1, -2], 0, norm), [0, 0]);
  }
});

Deno.test("towardsHyperplane() does not depend on the length of w", async () => {
  const [x, w] = [[0.2, 0.7, 0.4, 1], [1, -2, 0.5, 3]];
  for (const norm of NORMS) {
    const expected = shortestWay(x, w, 1.1, norm);
    for (const factor of [1e-30, 1e-12, 1, 1e12, 1e30]) {
      assertVector(await way(x, w.map((v) => v * factor), 1.1 * factor, norm), expected, 1e-6);
    }
    // A gap that is beyond float32 once it is divided by the length.
    assertVector(await way(x, w.map((v) => v * 1e-36), 100, norm), [-0.2, 0.3, -0.4, -1]);
  }
});

Deno.test("towardsHyperplane() is the shortest of 20 001 points of the hyperplane in the square (brute force)", async () => {
  const cases = Array.from({ length: 60 }, (_, i) => {
    const draws = rng(3, "square", i);
    const x = draws.child("x").uniform(2).map((v) => i % 3 === 0 ? Math.round(v) : v);
    const w = draws.child("w").normal(2);
    // A hyperplane through a point of the square.
    const through = draws.child("through").uniform(2);
    return { x, w, through, gap: dot(w, x) - dot(w, through) };
  });
  const stack = (key: "x" | "w") => float32([60, 2], cases.flatMap((c) => Array.from(c[key])));
  for (const norm of NORMS) {
    const found = await ways(stack("x"), stack("w"), cases.map(({ gap }) => gap), norm);
    cases.forEach(({ x, w, through, gap }, i) => {
      let shortest = Infinity;
      const size = Math.hypot(...w);
      for (let k = -10000; k <= 10000; k++) {
        const [a, b] = [through[0]! + k * 1.5e-4 * w[1]! / size, through[1]! - k * 1.5e-4 * w[0]! / size];
        if (a < 0 || a > 1 || b < 0 || b > 1) continue;
        shortest = Math.min(shortest, lengthOf([a - x[0]!, b - x[1]!], norm));
      }
      assertAlmostEquals(lengthOf(found[i]!, norm), shortest, 5e-4, `${norm} ${i}`);
      assertAlmostEquals(dot(w, found[i]!), -gap, 1e-5, `${norm} ${i}`);
    });
  }
});

/** Pictures of 768 pixels and weights of several kinds; gaps from none to beyond the corner. */
function hardCases() {
  const SHARES = [1e-4, 0.01, 0.1, 0.3, 0.6, 0.8, 2];
  const pictures: Readonly<Record<string, (u: number) => number>> = {
    uniform: (u) => u,
    "of 8 bits, many at the border": (u) => Math.round(Math.min(Math.max(1.4 * u - 0.2, 0), 1) * 255) / 255,
    binary: Math.round,
  };
  const weights: Readonly<Record<string, (z: number, i: number) => number>> = {
    normal: (z) => z,
    "of many sizes": (z) => Math.sign(z) * Math.exp(3 * z),
    "zero for two thirds": (z, i) => i % 3 === 0 ? z : 0,
    equal: (z) => 1e-3 * Math.sign(z),
  };
  return Object.entries(pictures).flatMap(([picture, toPixel]) =>
    Object.entries(weights).flatMap(([kind, toWeight]) =>
      SHARES.map((share, i) => {
        const x = rng(1, picture, kind, i).uniform(768).map(toPixel);
        const w = rng(2, picture, kind, i).normal(768).map(toWeight);
        const sign = i % 2 === 0 ? 1 : -1;
        const reach = x.reduce((all, v, k) => all + Math.abs(w[k]!) * (w[k]! * sign < 0 ? 1 - v : v), 0);
        return { x, w, gap: Math.fround(sign * share * reach), name: `${picture}, weights ${kind}, ${share}` };
      })
    )
  );
}

for (const norm of NORMS) {
  testOnEngines(`towardsHyperplane() agrees with the sorting reference in ${norm}`, async (engine) => {
    const cases = hardCases();
    const stack = (key: "x" | "w") => float32([cases.length, 768], cases.flatMap((c) => Array.from(c[key])));
    const found = await ways(stack("x"), stack("w"), cases.map(({ gap }) => gap), norm, engine);
    cases.forEach(({ x, w, gap, name }, i) => {
      const d = found[i]!;
      const expected = shortestWay(x, w, gap, norm);
      const scale = lengthOf(expected, "Linf");
      // In the box.
      d.forEach((v, k) => assert(x[k]! + v >= -1e-7 && x[k]! + v <= 1 + 1e-7, name));
      // It closes what the shortest way closes, and is no longer.
      const closed = dot(w, expected);
      assertAlmostEquals(dot(w, d), closed, 2e-5 * Math.abs(closed), name);
      assertLessOrEqual(lengthOf(d, norm), lengthOf(expected, norm) * (norm === "L1" ? 1 + 3e-4 : 1 + 1e-5), name);
      // In Linf and L2 there is only one (Linf: by min(t, u), the shortest of each pixel's own too).
      if (norm !== "L1") d.forEach((v, k) => assertAlmostEquals(v, expected[k]!, 1e-5 * scale, `${name}, pixel ${k}`));
    });
  });
}

Deno.test("towardsHyperplane() leaves little of the gap where nearly all pixels end at the border", async () => {
  for (const norm of ["Linf", "L2"] as const) {
    for (const share of [0.9, 0.99, 0.9999]) {
      const x = rng(5).uniform(3072);
      const w = rng(6).normal(3072);
      const reach = x.reduce((all, v, k) => all + Math.abs(w[k]!) * (w[k]! < 0 ? 1 - v : v), 0);
      const d = await way(Array.from(x), Array.from(w), share * reach, norm);
      const left = share * reach + dot(w, d);
      assert(left <= 2e-3 * reach && left > -1e-5 * reach, `${norm} ${share}: ${left / reach}`);
    }
  }
});

function assertVector(actual: readonly number[], expected: readonly number[], tolerance = 1e-7): void {
  assertEquals(actual.length, expected.length);
  actual.forEach((v, i) => assertAlmostEquals(v, expected[i]!, tolerance, `${actual} where ${expected} was expected`));
}
