import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { bump, place, signOf, windowShare, windowSize } from "../../lib/attacks/_square_windows.ts";

Deno.test("windowShare() halves after the published numbers of queries (p_selection of fra31/auto-attack a392200)", () => {
  const at = (queries: number, windows: readonly number[]) => windows.map((k) => windowShare(k, queries, 0.8));
  assertEquals(at(10000, [0, 10, 11, 50, 51, 200, 201, 500, 501]), [0.8, 0.8, 0.4, 0.4, 0.2, 0.2, 0.1, 0.1, 0.05]);
  assertEquals(
    at(5000, [0, 5, 6, 25, 26, 100, 101, 250, 251, 500, 501, 1000, 1001, 2000, 2001, 3000, 3001, 4000, 4001, 4999]),
    [0.8, 0.8, 0.4, 0.4, 0.2, 0.2, 0.1, 0.1, 0.05, 0.05, 0.025, 0.025]
      .concat([0.0125, 0.0125, 0.00625, 0.00625, 0.003125, 0.003125, 0.0015625, 0.0015625]),
  );
  assertEquals(
    at(300, [0, 1, 2, 6, 7, 15, 16, 30, 31, 60, 61, 120, 121, 180, 181, 240, 241, 299]).map((p) => 0.8 / p),
    [1, 2, 4, 4, 8, 8, 16, 16, 32, 32, 64, 64, 128, 128, 256, 256, 512, 512],
  );
});

Deno.test("windowSize() is the side of p h w pixels, odd and at least 3 for L2 and L1, and fits into the image", () => {
  const shares = [0.8, 0.4, 0.2, 0.1, 0.05, 0.025, 0.0125, 0.00625, 0.003125, 0.0015625];
  assertEquals(shares.map((p) => windowSize(p, 32, 32, "Linf")), [29, 20, 14, 10, 7, 5, 4, 3, 2, 1]);
  for (const norm of ["L2", "L1"] as const) {
    assertEquals(shares.map((p) => windowSize(p, 32, 32, norm)), [29, 21, 15, 11, 7, 5, 5, 3, 3, 3]);
  }
  assertEquals(windowSize(0.8, 224, 224, "Linf"), 200);
  assertEquals(windowSize(1e-9, 224, 224, "Linf"), 1);
  // sqrt(0.8 * 4 * 30) = 9.8 in four rows; 3 in an image of two.
  assertEquals(windowSize(0.8, 4, 30, "Linf"), 4);
  assertEquals(windowSize(0.8, 2, 2, "L2"), 2);
  assertEquals(windowSize(0.8, 1, 1, "L1"), 1);
});

Deno.test("bump() has the values of eta of fra31/auto-attack a392200", () => {
  const close = (found: Float32Array, expected: readonly number[]) => {
    assertEquals(found.length, expected.length);
    expected.forEach((value, i) => assertAlmostEquals(found[i]!, value, 1e-6));
  };
  close(bump(1, "L2"), [-1]);
  close(bump(2, "L2"), [0.138675, 0.693375, -0.138675, -0.693375]);
  close(
    bump(3, "L2"),
    [0.136083, 0.680414, 0.136083, -0.129099, -0.129099, -0.129099, -0.129099, -0.645497, -0.129099],
  );
  close(
    bump(5, "L2"),
    [0.049162, 0.159777, 0.159777, 0.159777, 0.049162, 0.049162, 0.159777, 0.602237, 0.159777, 0.049162]
      .concat([-0.04559, -0.148168, -0.148168, -0.148168, -0.04559, -0.04559, -0.148168, -0.558479, -0.148168])
      .concat([-0.04559, -0.04559, -0.148168, -0.148168, -0.148168, -0.04559]),
  );
  close(bump(2, "L1"), [0.027778, 0.472222, -0.027778, -0.472222]);
  close(
    bump(3, "L1"),
    [0.026316, 0.447368, 0.026316, -0.022727, -0.022727, -0.022727, -0.022727, -0.386364, -0.022727],
  );
});

Deno.test("bump() has length 1, half of it in each half", () => {
  for (const size of [2, 3, 4, 5, 7, 11, 21]) {
    for (const [norm, power] of [["L2", 2], ["L1", 1]] as const) {
      const terms = Array.from(bump(size, norm), (value) => Math.abs(value) ** power);
      const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
      assertAlmostEquals(sum(terms), 1, 1e-6);
      assertAlmostEquals(sum(terms.slice(0, size * Math.floor(size / 2))), 0.5, 1e-6);
    }
  }
});

Deno.test("place() reaches the first and the last place, each as often", () => {
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 4000; i++) counts[place((i + 0.5) / 4000, 7, 10)]!++;
  assertEquals(counts, [1000, 1000, 1000, 1000]);
  assertEquals(place(1 - 2 ** -24, 7, 10), 3);
  assertEquals(place(0.99, 5, 5), 0);
  assert(signOf(0.49) === -1 && signOf(0.5) === 1);
});
