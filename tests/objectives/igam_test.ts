import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { type NdArray, rng, scalar, UsageError } from "../../lib/core/mod.ts";
import { createEngine } from "../../lib/engine/mod.ts";
import { igam, IGAM_PAPER, IGAM_RELEASED_CODE, type IgamSpec } from "../../lib/objectives/mod.ts";
import { crossEntropy, dot, logitsOf, meanOver, minus, PLAIN, type Rows, slopes, softmax } from "./_plain.ts";
import { firstState, INPUTS, lossesAt } from "./_tiny.ts";

const { xAdv, y } = PLAIN;
const IMAGES = [0, 1, 2, 3];
const SPEC: IgamSpec = {
  ...IGAM_PAPER,
  weight: 3,
  discriminator: { ...IGAM_PAPER.discriminator, channels: 3, every: 2 },
};

/** Input gradients of the probability of the true class. */
const maps = (weights: typeof INPUTS.student): Rows =>
  IMAGES.map((i) => slopes((pixels) => softmax(logitsOf(weights, pixels))[y[i]!]!, xAdv[i]!));

/** Mean cross-entropy of the discriminator, in plain JavaScript: on 2 x 2 pixels one convolution is left of five. */
function discriminatorLoss(state: Readonly<Record<string, NdArray>>, gradients: Rows): number {
  const filter = state["conv0.weight"]!; // [4, 4, 3, channels], pixel (1, 1) of it on pixel (0, 0).
  const channels = filter.shape[3]!;
  const convolved = gradients.map((row) => {
    const mean = row.reduce((a, b) => a + b) / 12;
    const centred = row.map((value) => value - mean);
    const unit = centred.map((value) => value / Math.sqrt(dot(centred, centred)));
    return Array.from({ length: channels }, (_, c) =>
      unit.reduce((sum, value, k) => {
        const [h, w, d] = [Math.floor(k / 6), Math.floor(k / 3) % 2, k % 3];
        return sum + value * filter.data[(((h + 1) * 4 + w + 1) * 3 + d) * channels + c]!;
      }, 0));
  });
  const count = gradients.length;
  const over = (f: (row: readonly number[]) => number) => convolved.reduce((sum, row) => sum + f(row), 0) / count;
  const means = convolved[0]!.map((_, c) => over((row) => row[c]!));
  const variances = means.map((mean, c) => over((row) => (row[c]! - mean) ** 2));
  const losses = convolved.map((row, i) => {
    const features = row.map((value, c) => {
      const z = (value - means[c]!) / Math.sqrt(variances[c]! + 1e-3) * state["bn0.weight"]!.data[c]! +
        state["bn0.bias"]!.data[c]!;
      return Math.max(z, 0.1 * z);
    });
    const logits = [0, 1].map((k) =>
      features.reduce((sum, value, c) => sum + value * state["fc.weight"]!.data[2 * c + k]!, state["fc.bias"]!.data[k]!)
    );
    return crossEntropy(logits, i < count / 2 ? 0 : 1);
  });
  return losses.reduce((a, b) => a + b) / count;
}

Deno.test("igam matches gradients of the true class's probability, and raises the discriminator's loss", async () => {
  await using engine = await createEngine("reference");
  const { terms } = await lossesAt(engine, SPEC, INPUTS);
  assertEquals(Object.keys(terms), ["ce", "adv", "iga"]);
  assertAlmostEquals(terms.ce!, meanOver((i) => crossEntropy(logitsOf(INPUTS.student, xAdv[i]!), y[i]!)), 1e-5);
  const [own, taught] = [maps(INPUTS.student), maps(INPUTS.teacher)];
  const distance = meanOver((i) => dot(minus(own[i]!, taught[i]!), minus(own[i]!, taught[i]!)));
  assertAlmostEquals(terms.iga!, 3 * distance, 1e-5);
  assertAlmostEquals(terms.adv!, -2 * discriminatorLoss(firstState(SPEC), [...own, ...taught]), 1e-4);
  const sum = await lossesAt(engine, { ...SPEC, reduction: "sum" }, INPUTS);
  assertAlmostEquals(sum.terms.iga!, 4 * terms.iga!, 1e-5);
  // Batches of 32: the two presets mean the same.
  assertAlmostEquals(IGAM_PAPER.weight / 32, IGAM_RELEASED_CODE.weight, 1e-15);
});

Deno.test("igam moves the discriminator against its loss with momentum, at every second step here", async () => {
  await using engine = await createEngine("reference");
  const first = firstState(SPEC);
  const { state } = await lossesAt(engine, SPEC, INPUTS);
  const gradients = [...maps(INPUTS.student), ...maps(INPUTS.teacher)];
  const bump = (name: string, k: number, by: number) => {
    const { data } = first[name]!;
    return { ...first, [name]: { ...first[name]!, data: Float32Array.from(data, (v, i) => i === k ? v + by : v) } };
  };
  for (const [name, k] of [["fc.weight", 1], ["fc.bias", 0], ["bn0.bias", 1], ["conv0.weight", 51]] as const) {
    const slope = (discriminatorLoss(bump(name, k, 1e-2), gradients) -
      discriminatorLoss(bump(name, k, -1e-2), gradients)) / 2e-2;
    const decay = name.endsWith("weight") ? 0.0002 * first[name]!.data[k]! : 0;
    const velocity = state[`velocity.${name}`]!.data[k]!;
    assertAlmostEquals(velocity, slope + decay, 2e-3 * Math.abs(slope) + 2e-4, name);
    assertAlmostEquals(state[name]!.data[k]!, first[name]!.data[k]! - 0.001 * velocity, 1e-7, name);
  }
  assertEquals(state.wait, scalar(1));
  assert(discriminatorLoss(state, gradients) < discriminatorLoss(first, gradients));
  const waiting = (await lossesAt(engine, SPEC, { ...INPUTS, state })).state;
  assertEquals(waiting, { ...state, wait: scalar(0) });
  const again = (await lossesAt(engine, SPEC, { ...INPUTS, state: waiting })).state;
  assertNotEquals(again["fc.weight"], state["fc.weight"]);
  const slope = again["velocity.fc.bias"]!.data[0]! - 0.9 * state["velocity.fc.bias"]!.data[0]!;
  assertAlmostEquals(slope, state["velocity.fc.bias"]!.data[0]!, 1e-3); // Nearly the same gradient again.
});

Deno.test("igam is the cross-entropy alone before its share of training, and the discriminator rests", async () => {
  await using engine = await createEngine("reference");
  const late = { ...SPEC, from: 0.99 };
  const { terms, state } = await lossesAt(engine, late, INPUTS);
  assertEquals([terms.adv! + 0, terms.iga], [0, 0]);
  const { wait: _, ...weights } = state;
  const { wait: _before, ...first } = firstState(late);
  assertEquals(weights, first);
});

Deno.test("igam's discriminator halves the image as often as it has sides for", () => {
  const shapes = (side: number) => {
    const state = igam.state!(IGAM_PAPER, { classes: 10, inputShape: [side, side, 3] }, rng(1));
    return Object.entries(state).filter(([name]) => /^(conv|fc\.weight)/.test(name)).map(([, { shape }]) => shape);
  };
  assertEquals(shapes(32), [[4, 4, 3, 16], [4, 4, 16, 32], [4, 4, 32, 64], [4, 4, 64, 128], [4, 4, 128, 256], [
    256,
    2,
  ]]);
  assertEquals(shapes(5), [[4, 4, 3, 16], [4, 4, 16, 32], [32, 2]]);
  assertEquals(shapes(64).at(-1), [4 * 256, 2]);
});

Deno.test("igam refuses settings out of range", () => {
  const refuses = (change: Partial<IgamSpec>, message: string) =>
    assertThrows(() => igam.check({ ...IGAM_PAPER, ...change }), UsageError, message);
  refuses({ weight: -1 }, "Cannot use the weight -1: write 0 or more, such as 1");
  refuses({ from: 1 }, "Cannot match gradients from 1 of training on: write a share from 0 to below 1");
  refuses(
    { discriminator: { ...IGAM_PAPER.discriminator, every: 0 } },
    "Cannot use every = 0 of the discriminator: write an integer of at least 1",
  );
});
