import { assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { float32, rng, UsageError } from "../../lib/core/mod.ts";
import { mul, reshape, slice, type Tensor } from "../../lib/engine/mod.ts";
import { type Classifier, withInputNoise } from "../../lib/models/mod.ts";
import { testOnEngines } from "../testing/engines.ts";

/** The first two pixels, times two. */
const CLASSIFIER: Classifier = {
  classes: 2,
  inputShape: [1, 3, 1],
  logits: (_weights, x) => mul(slice(reshape(x, [x.shape[0]!, 3]), [0, 0], [x.shape[0]!, 2]), 2),
  weights: { parameters: {}, buffers: {} },
};

testOnEngines(
  "withInputNoise() adds what was drawn to the pixels of each image, also around another",
  async (engine) => {
    const twice = withInputNoise(withInputNoise(CLASSIFIER, { sigma: 0.1 }), { sigma: 0.2 });
    const program = engine.compile(({ x, noise }: { x: Tensor; noise: Tensor[] }) =>
      twice.logits(CLASSIFIER.weights as never, x, noise)
    );
    const outer = float32([2, 1, 3, 1], [0.5, -0.25, 9, 0, 0.125, 9]);
    const inner = float32([2, 1, 3, 1], [-1, 0, 9, 0.25, 0, 9]);
    const value = await program({ x: float32([2, 1, 3, 1], [0, 1, 0, 1, 0, 0]), noise: [outer, inner] });
    assertEquals(Array.from((await engine.read(value)).data), [-1, 1.5, 2.5, 0.25]);
    value.dispose();
  },
);

Deno.test("withInputNoise() draws normal numbers of its sigma, by the stream alone", () => {
  const shape = [50, 50, 4] as const;
  const { noise } = withInputNoise({ ...CLASSIFIER, inputShape: shape }, { sigma: 0.25 });
  const [drawn, ...none] = noise!(rng(3, "a"));
  assertEquals([drawn!.shape, none.length], [[50, 50, 4], 0]);
  const values = Array.from(drawn!.data);
  const mean = values.reduce((a, b) => a + b) / 1e4;
  assertAlmostEquals(mean, 0, 4 * 0.25 / 100);
  assertAlmostEquals(
    Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 1e4),
    0.25,
    4 * 0.25 / Math.sqrt(2e4),
  );
  assertEquals(noise!(rng(3, "a"))[0], drawn);
  assertNotEquals(noise!(rng(3, "b"))[0], drawn);
  const [outer, inner] = withInputNoise(withInputNoise(CLASSIFIER, { sigma: 1 }), { sigma: 1 }).noise!(rng(3));
  assertNotEquals(outer, inner, "both draw");
});

Deno.test("withInputNoise() keeps weights and draws of what it is put around, and takes draws of its own", () => {
  const noisy = withInputNoise(CLASSIFIER, { sigma: 0.1, draws: 7 });
  assertEquals([noisy.draws, withInputNoise(noisy, { sigma: 0.1 }).draws], [7, 7]);
  assertEquals(withInputNoise(noisy, { sigma: 0.1, draws: 3 }).draws, 3);
  assertEquals(noisy.weights, CLASSIFIER.weights);
  assertEquals("draws" in withInputNoise(CLASSIFIER, { sigma: 0.1 }), false);
});

Deno.test("withInputNoise() refuses noise and draws that are none, and questions without what was drawn", () => {
  for (const sigma of [0, -1, NaN, Infinity]) {
    assertThrows(
      () => withInputNoise(CLASSIFIER, { sigma }),
      UsageError,
      `Cannot add noise of sigma = ${sigma} to pixels: write a number above 0, such as 0.1`,
    );
  }
  for (const draws of [0, 1.5]) {
    assertThrows(
      () => withInputNoise(CLASSIFIER, { sigma: 1, draws }),
      UsageError,
      `Cannot judge a classifier over ${draws} draws: write a positive integer`,
    );
  }
  assertThrows(
    () => withInputNoise(CLASSIFIER, { sigma: 1 }).logits(undefined as never, undefined as never),
    UsageError,
    "Cannot ask a classifier with random outputs without what it draws: use what is made for such classifiers " +
      "(margins, runAttack, evaluate, maskingReport), or the classifier without its noise",
  );
});
