import { assertAlmostEquals, assertEquals, assertLessOrEqual } from "@std/assert";
import { rng } from "../../lib/core/mod.ts";
import { createEngine } from "../../lib/engine/mod.ts";
import { runAttack, type SlotAttack } from "../../lib/attacks/mod.ts";
import { DISTANCE_SCALE, nearest } from "../../lib/attacks/_distance_attack.ts";
import { ddn, ddnDistance } from "../../lib/attacks/ddn.ts";
import { CLEVERHANS, linear } from "./_classifiers.ts";
import { batchOf, CLEVERHANS_BATCH, settingOf, TANH, TANH_BATCH } from "./_points.ts";
import { runSlots } from "./_run_slots.ts";

const engine = await createEngine("reference");

/**
 * Points at which DDN.attack() of jeromerony/fast_adversarial 45210b7c79e2deaeac9845d6c901dc2580d6e316 asked for the
 * first image, with 6 steps, quantize = False and the learning rates of PyTorch 1.0 (the first step has rate 1); and the
 * distances that it found for all four with 40 steps (PyTorch 2.13.0 on the CPU).
 */
const OFFICIAL = {
  cleverhans: {
    path: [[0.2, 0.7], [0.68292, 0], [0.71315, 0], [0.70447, 0], [0.68672, 0], [0.66761, 0]],
    distances: [0.336326, 0.216538, 0.211659, 0.149496],
  },
  tanh: {
    path: [
      [0.2, 0.7, 0.4],
      [0.38116, 0.01135, 1],
      [0.68876, 0, 0.75449],
      [0.72642, 0, 0.51453],
      [0.71621, 0, 0.42976],
      [0.69612, 0.00339, 0.40409],
    ],
    distances: [0.149515, 0.149515, 0.149316, 0.443236],
  },
};

for (
  const [name, classifier, batch] of [["cleverhans", CLEVERHANS, CLEVERHANS_BATCH], ["tanh", TANH, TANH_BATCH]] as const
) {
  Deno.test(`ddn() takes the steps of the official code and finds its distances (${name})`, async () => {
    const { path, distances } = OFFICIAL[name];
    const attack = (steps: number) =>
      nearest(ddnDistance({ kind: "ddn", norm: "L2", steps }, settingOf(classifier))) as unknown as SlotAttack;
    const six = await runSlots(engine, classifier, batch, attack(6), 1);
    path.forEach((point, step) =>
      point.forEach((v, i) => assertAlmostEquals(six[step]!.looked.data[i]!, v, 2e-5, `step ${step}`))
    );
    const forty = await runSlots(engine, classifier, batch, attack(40), 1);
    distances.forEach((expected, row) => {
      const found = Math.min(...forty.map(({ margin }) => margin[row]!)) / DISTANCE_SCALE;
      assertAlmostEquals(found, expected, 2e-5, `image ${row}`);
    });
  });
}

Deno.test("ddn() stays where the cross-entropy has no gradient", async () => {
  // z = (400 x - 200, -400 x + 200) at x = 0.9: a margin of 320, softmax gradient exp(-320) = 0 in float32.
  const classifier = linear([[400, -400]], [-200, 200]);
  const batch = batchOf([[0.9]], [0]);
  const attack = ddn({ kind: "ddn", norm: "L2", steps: 4 }, settingOf(classifier));
  const seen = await runSlots(engine, classifier, batch, attack, 1);
  assertEquals(seen.map(({ looked }) => looked.data[0]), Array(4).fill(Math.fround(0.9)));
});

Deno.test("ddn() lets go of an image at the first look inside of the ball", async () => {
  // The boundary is at a distance of 0.3; the norms are 1, 0.95, ..., so 0.35 is reached after about 20 steps.
  const classifier = linear([[1, -1], [0, 0]], [-0.5, 0.5]);
  const batch = batchOf([[0.8, 0.5], [0.3, 0.5]], [0, 0]);
  const result = await runAttack(engine, classifier, batch, { kind: "ddn", norm: "L2" }, 0.35, rng(0));
  assertEquals(Array.from(result.success), [1, 1]);
  assertLessOrEqual(0.8 - result.xAdv.data[0]!, 0.35 + 1e-6);
  assertEquals([result.firstStep[1], Array.from(result.xAdv.data.subarray(2))], [0, [0.3, 0.5].map(Math.fround)]);
  assertEquals(result.backwardPasses, result.firstStep[0]! + 1);
});
