import { assertAlmostEquals, assertEquals, assertGreater } from "@std/assert";
import { contourLines } from "../../lib/report/_contour_lines.ts";

const grid = (n: number): number[] => Array.from({ length: n }, (_, i) => 2 * i / (n - 1) - 1);

Deno.test("contourLines() of a plane is a straight line, whole", () => {
  const at = grid(5);
  const lines = contourLines(at.map((y) => at.map((x) => x + 2 * y)), at, at, 0.3);
  for (const { x, y, x2, y2 } of lines) {
    assertAlmostEquals(x + 2 * y, 0.3, 2e-3);
    assertAlmostEquals(x2 + 2 * y2, 0.3, 2e-3);
  }
  const length = lines.reduce((sum, { x, y, x2, y2 }) => sum + Math.hypot(x2 - x, y2 - y), 0);
  // From (-1, 0.65) to (1, -0.35).
  assertAlmostEquals(length, Math.hypot(2, 1), 1e-2);
});

Deno.test("contourLines() of a cone is a circle, closed", () => {
  const at = grid(41);
  const lines = contourLines(at.map((y) => at.map((x) => Math.hypot(x, y))), at, at, 0.7);
  const ends = new Map<string, number>();
  for (const { x, y, x2, y2 } of lines) {
    assertAlmostEquals(Math.hypot(x, y), 0.7, 1e-3);
    for (const key of [`${x} ${y}`, `${x2} ${y2}`]) ends.set(key, (ends.get(key) ?? 0) + 1);
  }
  assertEquals(new Set(ends.values()), new Set([2]));
  const length = lines.reduce((sum, { x, y, x2, y2 }) => sum + Math.hypot(x2 - x, y2 - y), 0);
  assertAlmostEquals(length, 2 * Math.PI * 0.7, 1e-2);
});

Deno.test("contourLines() parts a saddle by its middle", () => {
  // Corners 0 and 2 are high. A high middle joins them: the other two corners are cut off; a low one cuts these off.
  const cut = (high: number, low: number) => contourLines([[high, low], [low, high]], [0, 1], [0, 1], 0);
  for (const [high, low, corner] of [[3, -1, [1, 0]], [1, -3, [0, 0]]] as const) {
    const lines = cut(high, low);
    assertEquals(lines.length, 2);
    const middles = lines.map(({ x, y, x2, y2 }) => [(x + x2) / 2, (y + y2) / 2] as const);
    const nearest = Math.min(...middles.map(([x, y]) => Math.hypot(x - corner[0], y - corner[1])));
    assertGreater(0.36, nearest);
  }
});

Deno.test("contourLines() finds nothing where the value is not taken", () => {
  assertEquals(contourLines([[1, 2], [3, 4]], [0, 1], [0, 1], 5), []);
});
