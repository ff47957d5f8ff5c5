import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { float32, type NdArray, rng, UsageError } from "../../lib/core/mod.ts";
import { reshape, type Tensor } from "../../lib/engine/mod.ts";
import { type Classifier, withInputNoise, withRandomResize } from "../../lib/models/mod.ts";
import { testOnEngines } from "../testing/engines.ts";

/** A classifier that gives its pixels, to see what becomes of them. */
const mirror = (inputShape: readonly [number, number, number]): Classifier => ({
  classes: 24,
  inputShape,
  logits: (_weights, x) => reshape(x, [x.shape[0]!, 24]),
  weights: { parameters: {}, buffers: {} },
});

testOnEngines("withRandomResize() is R x C^T of each channel of each image", async (engine) => {
  const resized = withRandomResize(mirror([3, 4, 2]), { smallest: 0.5 });
  const program = engine.compile(({ x, noise }: { x: Tensor; noise: Tensor[] }) =>
    resized.logits(undefined as never, x, noise)
  );
  const draws = rng(1);
  const x = draws.child("x").uniform(2 * 24);
  const R = draws.child("R").uniform(2 * 9);
  const C = draws.child("C").uniform(2 * 16);
  const value = await program({
    x: float32([2, 3, 4, 2], x),
    noise: [float32([2, 3, 3], R), float32([2, 4, 4], C)],
  });
  const found = (await engine.read(value)).data;
  value.dispose();
  for (const image of [0, 1]) {
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 4; j++) {
        for (const c of [0, 1]) {
          let sum = 0;
          for (let h = 0; h < 3; h++) {
            for (let w = 0; w < 4; w++) {
              sum += R[image * 9 + i * 3 + h]! * x[image * 24 + (h * 4 + w) * 2 + c]! * C[image * 16 + j * 4 + w]!;
            }
          }
          assertAlmostEquals(found[image * 24 + (i * 4 + j) * 2 + c]!, sum, 1e-5);
        }
      }
    }
  }
});

Deno.test("withRandomResize() shrinks a line by interpolation between the centres of its pixels", () => {
  // 8 pixels on 4: each is the mean of two.
  const { noise } = withRandomResize(mirror([8, 3, 1]), { smallest: 1 - 1e-9 });
  const [whole] = noise!(rng(1)) as [NdArray];
  assertEquals(
    Array.from(whole.data),
    Array.from({ length: 64 }, (_, i) => i % 9 === 0 ? 1 : 0),
    "nothing, at share 1",
  );
  let seen = 0;
  for (let draw = 0; draw < 200; draw++) {
    const [rows, columns] = withRandomResize(mirror([8, 3, 1]), { smallest: 0.3 }).noise!(rng(draw)) as NdArray[];
    const lines = Array.from({ length: 8 }, (_, i) => Array.from(rows!.data.slice(8 * i, 8 * i + 8)));
    const full = lines.map((line) => line.some((weight) => weight !== 0));
    const [first, last] = [full.indexOf(true), full.lastIndexOf(true)];
    // One block of lines, each a mean of pixels; the rest is black.
    assert(full.slice(first, last + 1).every(Boolean));
    for (const line of lines.slice(first, last + 1)) assertAlmostEquals(line.reduce((a, b) => a + b), 1, 1e-6);
    assertEquals(columns!.shape, [3, 3]);
    if (last - first !== 3) continue;
    seen++;
    for (const [k, line] of lines.slice(first, last + 1).entries()) {
      assertEquals(line, Array.from({ length: 8 }, (_, i) => i === 2 * k || i === 2 * k + 1 ? 0.5 : 0));
    }
  }
  assert(seen > 10);
});

Deno.test("withRandomResize() draws by the stream alone, every size and place, and lets the inner classifier draw", () => {
  const { noise } = withRandomResize(mirror([1, 8, 3]), { smallest: 0.7 });
  const blocks = new Set<string>();
  for (let draw = 0; draw < 400; draw++) {
    const [rows, columns] = noise!(rng(draw)) as [NdArray, NdArray];
    assertEquals(Array.from(rows.data), [1], "one pixel stays one");
    const full = Array.from(
      { length: 8 },
      (_, i) => columns.data.subarray(8 * i, 8 * i + 8).some((weight) => weight !== 0),
    );
    blocks.add(`${full.filter(Boolean).length} at ${full.indexOf(true)}`);
  }
  assertEquals([...blocks].sort(), ["6 at 0", "6 at 1", "6 at 2", "7 at 0", "7 at 1", "8 at 0"]);
  assertEquals(noise!(rng(3)), noise!(rng(3)));
  assertNotEquals(noise!(rng(3)), noise!(rng(4)));
  const both = withRandomResize(withInputNoise(mirror([2, 4, 3]), { sigma: 1, draws: 5 }), { smallest: 0.5 });
  assertEquals(both.noise!(rng(1)).map(({ shape }) => shape), [[2, 2], [4, 4], [2, 4, 3]]);
  assertEquals([both.draws, withRandomResize(both, { smallest: 0.5, draws: 6 }).draws], [5, 6]);
});

Deno.test("withRandomResize() refuses shares that are none", () => {
  for (const smallest of [0, 1, -0.5, 1.5, NaN]) {
    assertThrows(
      () => withRandomResize(mirror([2, 4, 3]), { smallest }),
      UsageError,
      `Cannot resize images to a share of ${smallest} at least: write a number above 0 and below 1, such as 0.875`,
    );
  }
});
