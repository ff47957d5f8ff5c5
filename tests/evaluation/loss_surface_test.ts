import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { float32, int32, rng, UsageError } from "../../lib/core/mod.ts";
import { createEngine } from "../../lib/engine/mod.ts";
import { lossSurface, type LossSurfaceOptions } from "../../lib/evaluation/mod.ts";
import { linear } from "../attacks/_classifiers.ts";

const engine = await createEngine("reference");

/** Two classes, z = (w . x, 0): the margin of class 0 is w . x + b, and the loss log(1 + exp(-margin)). */
const W = [3, -2, 1, 4, -1];
const X = [0.5, 0.4, 0.5, 0.5, 0.3];
const EPS = 0.1;
const OPTIONS: LossSurfaceOptions = {
  method: "linear",
  classifier: linear(W.map((w) => [w, 0]), [-1.5, 0]),
  image: { x: float32([1, 1, 1, 5], X), y: int32([1], [0]), ids: Int32Array.of(7) },
  // A fifth of the way to the worst corner in the last pixel.
  xAdv: float32([1, 1, 1, 5], X.map((x, i) => x - (i === 4 ? 0.2 : 1) * EPS * Math.sign(W[i]!))),
  eps: "0.1",
  rng: rng(1),
  points: 5,
  reach: 2,
};

Deno.test("lossSurface() of a linear network is a plane in the margin", async () => {
  const rows = await lossSurface(engine, OPTIONS);
  assertEquals(rows.length, 25);
  const d1 = W.map((w, i) => -Math.sign(w) * (i === 4 ? 0.2 : 1));
  const d2 = Array.from(rng(1).child(7).integers(5, 2), (bit) => 2 * bit - 1);
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  rows.forEach(({ method, image, eps, a, b, loss, margin, distance }, k) => {
    assertEquals([method, image, eps], ["linear", 7, "0.1"]);
    assertAlmostEquals(a, 0.1 * (k % 5 - 2), 1e-12);
    assertAlmostEquals(b, 0.1 * (Math.floor(k / 5) - 2), 1e-12);
    const plane = dot(W, X) - 1.5 + a * dot(W, d1) + b * dot(W, d2);
    assertAlmostEquals(margin, plane, 1e-5);
    assertAlmostEquals(loss, Math.log1p(Math.exp(-plane)), 1e-5);
    assertAlmostEquals(distance, Math.max(...d1.map((d, i) => Math.abs(a * d + b * d2[i]!))), 1e-6);
  });
  // Both signs of d1 d2 are there: the ball is |a| + |b| <= eps.
  assertEquals(new Set(d1.slice(0, 4).map((d, i) => d * d2[i]!)).size, 2);
  for (const { a, b, distance } of rows) assertAlmostEquals(distance, Math.abs(a) + Math.abs(b), 1e-6);
});

Deno.test("lossSurface() measures how far a point is from the image, whatever the attack moved", async () => {
  // One pixel was moved: along a that one goes, along b all of them.
  const xAdv = float32([1, 1, 1, 5], X.map((x, i) => i === 0 ? x + EPS : x));
  const sign = 2 * rng(1).child(7).integers(5, 2)[0]! - 1;
  for (const { a, b, distance } of await lossSurface(engine, { ...OPTIONS, xAdv })) {
    assertAlmostEquals(distance, Math.max(Math.abs(a + b * sign), Math.abs(b)), 1e-6);
  }
});

Deno.test("lossSurface() does not depend on the batch", async () => {
  assertEquals(await lossSurface(engine, { ...OPTIONS, batchSize: 7 }), await lossSurface(engine, OPTIONS));
});

Deno.test("lossSurface() refuses what has no direction, no grid or no one value", async () => {
  const refused = async (options: Partial<LossSurfaceOptions>, message: string) => {
    assertEquals(
      (await assertRejects(() => lossSurface(engine, { ...OPTIONS, ...options }), UsageError)).message,
      message,
    );
  };
  await refused(
    { xAdv: OPTIONS.image.x },
    "Cannot take a direction from image 7 to itself: give an image that an attack has changed",
  );
  await refused(
    { points: 1 },
    "Cannot lay 1 points over 2 radii of 0.1: take two points or more, and lengths above 0",
  );
  await refused({ eps: "0" }, "Cannot lay 5 points over 2 radii of 0: take two points or more, and lengths above 0");
  await refused(
    { classifier: { ...OPTIONS.classifier, noise: () => [] } },
    'Cannot draw a surface of "linear" as its outputs are random: leave the noise out',
  );
});
