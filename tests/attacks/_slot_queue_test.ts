import { assert, assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import { float32, rng, scalar } from "../../lib/core/mod.ts";
import {
  add,
  createEngine,
  type Engine,
  mul,
  neg,
  reshape,
  sum,
  type Tensor,
  valueAndGrad,
} from "../../lib/engine/mod.ts";
import type { AttackBatch, Slot, SlotAttack } from "../../lib/attacks/mod.ts";
import { type Claim, slotQueue } from "../../lib/attacks/_slot_queue.ts";
import { project, squareAttack, steepestStep, whereSlot } from "../../lib/attacks/mod.ts";
import { margin } from "../../lib/losses/mod.ts";
import type { Weights } from "../../lib/models/mod.ts";
import { testOnEngines } from "../testing/engines.ts";
import { counting, mlp, predictedBatch, rowsOf } from "./_classifiers.ts";

const engine = await createEngine("reference");
const EPS = 0.1;
const CLASSIFIER = mlp();
const BATCH = await predictedBatch(engine, CLASSIFIER, 17, 5);

const WRONG = new Set(BATCH.ids.filter((_, i) => i % 5 === 4));

/** Sign steps from a random start: what the queue needs of an attack, and no more. */
function signSteps(settings: { steps?: number; trials?: number } = {}): SlotAttack {
  type State = { at: Tensor };
  type Trial = { start: Tensor };
  type Feeds = { length: Tensor };
  const attack: SlotAttack<State, Trial, Feeds> = {
    key: "sign steps",
    steps: 4,
    trials: 2,
    forwardPasses: 1,
    backwardPasses: 1,
    ...settings,
    state: (shape) => ({ at: float32(shape) }),
    trial: ({ id, trial }) => ({ start: float32([2, 2, 3], rng(1, id, trial).uniform(12, -1, 1)) }),
    feeds: ({ step }) => ({ length: scalar(0.02 / (step + 1)) }),
    step: ({ logits, x, y, fresh, eps, state, trial, feeds }) => {
      const at = whereSlot(fresh, project(add(x, mul(trial.start, eps)), x, "Linf", eps), state.at);
      const { grad, aux } = valueAndGrad((at: Tensor) => {
        const each = margin(logits(at), y);
        return { value: neg(sum(each)), aux: each };
      }, at);
      const length = reshape(feeds.length, [-1, 1, 1, 1]);
      const next = project(add(at, mul(steepestStep(grad, "Linf"), length)), x, "Linf", eps);
      return { state: { at: next }, looked: at, margin: aux };
    },
  };
  return attack as unknown as SlotAttack;
}

interface Outcome {
  readonly claims: Claim[];
  readonly passes: number;
  readonly calls: number;
}

async function run(
  size: number,
  attack = signSteps(),
  batch: AttackBatch = BATCH,
  on: Engine = engine,
): Promise<Outcome> {
  const load = (positions: readonly number[]) =>
    Promise.resolve(rowsOf(batch, Array.from({ length: size }, (_, k) => positions[k] ?? positions[0]!)));
  const claims: Claim[] = [];
  let passes = 0;
  let calls = 0;
  for await (const event of slotQueue(on, CLASSIFIER, load, batch.ids.length, attack, EPS, size)) {
    if (event.kind === "claims") claims.push(...event.claims);
    else {
      passes += event.passes;
      calls++;
    }
  }
  return { claims: claims.sort((a, b) => a.position - b.position), passes, calls };
}

Deno.test("slotQueue() takes every image once through its trials and lets it go when it falls", async () => {
  const { claims, passes } = await run(5);
  assertEquals(claims.map(({ id }) => id), Array.from(BATCH.ids));
  const fallen = claims.filter(({ firstStep }) => firstStep >= 0);
  assert(fallen.length > 3 && fallen.length < 17 && fallen.some(({ firstStep }) => firstStep > 0));
  for (const { id, firstStep, trial, forwardPasses, backwardPasses } of claims) {
    const looks = firstStep < 0 ? 8 : WRONG.has(id) ? 0 : 4 * trial + firstStep + 1;
    assertEquals([forwardPasses, backwardPasses], [1 + looks, looks]);
    if (firstStep < 0) assertEquals(trial, 1);
  }
  assertEquals(
    passes,
    claims.reduce((sum, { forwardPasses, backwardPasses }) => sum + forwardPasses + backwardPasses, 0),
  );
});

Deno.test("slotQueue() gives every image the same bits in any number of slots and any order", async () => {
  const { claims } = await run(17);
  for (const size of [1, 2, 5, 16]) assertEquals((await run(size)).claims, claims, `${size} slots`);
  const order = [16, 3, 7, 0, 12, 1, 15, 2, 4, 5, 6, 8, 9, 10, 11, 13, 14];
  const { claims: others } = await run(5, signSteps(), rowsOf(BATCH, order));
  order.forEach((row, position) => assertEquals({ ...others[position]!, position: row }, claims[row]));
});

Deno.test("slotQueue() keeps its slots full: no call waits for the slowest of a batch", async () => {
  const { claims, calls } = await run(3);
  const looks = claims.reduce((sum, { backwardPasses }) => sum + backwardPasses, 0);
  // At the end slots run idle for no more than one image's steps.
  assertLessOrEqual(calls, Math.ceil(looks / 3) + 8 + Math.ceil(17 / 3));
});

Deno.test("slotQueue() begins later trials in free slots, which change nothing but the number of calls", async () => {
  const attack = signSteps({ steps: 1, trials: 40 });
  const { claims, calls } = await run(1, attack);
  for (const size of [4, 17, 40]) {
    const wider = await run(size, attack);
    assertEquals(wider.claims, claims, `${size} slots`);
    assertEquals(wider.passes, (await run(1, attack)).passes);
  }
  const fellLate = claims.filter(({ trial, firstStep }) => trial > 0 && trial < 39 && firstStep >= 0);
  assert(fellLate.length > 0, "no image falls in a trial between the first and the last");
  const standing = claims.filter(({ firstStep }) => firstStep === -1).map(({ position }) => position);
  assert(standing.length > 0 && calls > 40 * standing.length);
  // All trials of an image at once: as many calls as one trial has, beside one for the clean image.
  const { calls: few } = await run(40, attack, rowsOf(BATCH, standing.slice(0, 1)));
  assertEquals(few, 1 + 1);
});

/** Moves every pixel up by a hundredth per trial, and measures what it is told for an image, trial and step. */
function told(trials: number, margin: (slot: Slot) => number): SlotAttack {
  type Feeds = { margin: Tensor };
  type Trial = { shift: Tensor };
  const attack: SlotAttack<object, Trial, Feeds> = {
    key: "told",
    steps: 2,
    trials,
    forwardPasses: 1,
    backwardPasses: 0,
    state: () => ({}),
    trial: ({ trial }) => ({ shift: scalar(0.01 * (trial + 1)) }),
    feeds: (slot) => ({ margin: scalar(margin(slot)) }),
    step: ({ x, trial, feeds }) => ({
      state: {},
      looked: add(x, reshape(trial.shift, [-1, 1, 1, 1])),
      margin: feeds.margin,
    }),
  };
  return attack as unknown as SlotAttack;
}

Deno.test("slotQueue() takes the first of the trials that reach the same margin, whichever ends first", async () => {
  const right = Array.from(BATCH.ids.keys()).filter((i) => !WRONG.has(BATCH.ids[i]!)).slice(0, 2);
  const batch = rowsOf(BATCH, right);
  // The first image falls as the second one ends its first trial: a slot before the second's takes its third trial.
  const [falls] = batch.ids;
  const attack = told(3, ({ id, trial, step }) => id === falls && trial === 0 && step === 1 ? -1 : 1e-3);
  const { claims } = await run(2, attack, batch);
  assertEquals(claims, (await run(1, attack, batch)).claims);
  assertEquals(claims.map(({ trial, firstStep }) => [trial, firstStep]), [[0, 1], [2, -1]]);
  assert(claims[1]!.xAdv.every((pixel, k) => Math.abs(pixel - claims[1]!.x[k]! - 0.01) < 1e-6));
});

Deno.test("slotQueue() takes the first of the trials that fall, and ends those after it at once", async () => {
  const right = Array.from(BATCH.ids.keys()).filter((i) => !WRONG.has(BATCH.ids[i]!)).slice(0, 1);
  const batch = rowsOf(BATCH, right);
  // Trials 1 and 3 fall at their first step, the later one lower; trial 0 has still to show that it stands.
  const asked: string[] = [];
  const attack = told(5, (slot) => {
    asked.push(`${slot.trial}.${slot.step}`);
    return slot.step === 0 && slot.trial % 2 === 1 ? -slot.trial : 1e-3;
  });
  const { claims } = await run(4, attack, batch);
  assertEquals(asked, ["0.0", "1.0", "2.0", "3.0", "0.1"]);
  assertEquals(claims, (await run(1, attack, batch)).claims);
  const [{ trial, firstStep, forwardPasses, xAdv, x }] = claims as [Claim];
  assertEquals([trial, firstStep, forwardPasses], [1, 0, 1 + 2 + 1]);
  assert(xAdv.every((pixel, k) => Math.abs(pixel - x[k]! - 0.02) < 1e-6));
});

testOnEngines("slotQueue() tries later steps of a greedy attack in free slots, and finds the same", async (engine) => {
  for (const norm of ["Linf", "L2"] as const) {
    const setting = { classes: 4, inputShape: [2, 2, 3], eps: EPS, rng: rng(3) };
    const greedy = squareAttack({ kind: "square", norm, queries: 60, restarts: 2 }, setting);
    const patient = { ...greedy, greedy: false };
    const expected = await run(17, patient, BATCH, engine);
    const { claims, passes, calls } = await run(17, greedy, BATCH, engine);
    assertEquals(claims, expected.claims);
    assertEquals(passes, expected.passes);
    assertLess(calls, expected.calls);
    assert(claims.some(({ firstStep }) => firstStep > 1), "every image falls at once");
    // One image that stands, in 16 slots: two trials of 60 steps at once.
    const one = rowsOf(BATCH, [claims.find(({ firstStep }) => firstStep === -1)!.position]);
    assertEquals((await run(16, patient, one, engine)).calls, 1 + 60);
    assertLessOrEqual((await run(16, greedy, one, engine)).calls, 1 + 30);
  }
});

Deno.test("slotQueue() gives the best image looked at, for those that stand too", async () => {
  const { claims } = await run(4);
  const longer = (await run(4, signSteps({ trials: 4 }))).claims;
  for (const [i, { firstStep, xAdv, x }] of claims.entries()) {
    assert(xAdv.every((pixel, k) => Math.abs(pixel - x[k]!) <= EPS + 1e-6));
    if (firstStep >= 0) assertEquals(longer[i], claims[i], "more trials change nothing for those that fell");
  }
});

Deno.test("slotQueue() hands the other classes by falling logit", async () => {
  const seen = new Map<number, Slot>();
  const attack = signSteps();
  const spying: SlotAttack = {
    ...attack,
    trial: (slot) => {
      seen.set(slot.id, slot);
      return attack.trial(slot);
    },
  };
  const { claims } = await run(4, spying);
  const program = engine.compile(({ weights, x }: { weights: Weights<Tensor>; x: Tensor }) =>
    CLASSIFIER.logits(weights, x)
  );
  const logits = (await engine.read(await program({ weights: CLASSIFIER.weights, x: BATCH.x }))).data;
  for (const { id, label, position } of claims.filter(({ backwardPasses }) => backwardPasses > 0)) {
    const own = Array.from(logits.subarray(4 * position, 4 * position + 4));
    const falling = own.keys().toArray().sort((a, b) => own[b]! - own[a]!);
    assertEquals(Array.from(seen.get(id)!.order), falling.filter((k) => k !== label));
  }
});

Deno.test("slotQueue() leaks nothing, also where it is left early", async () => {
  const counted = counting(engine);
  await run(4, signSteps(), BATCH, counted.engine);
  assertEquals(counted.live(), 0);
  const load = (positions: readonly number[]) => Promise.resolve(rowsOf(BATCH, positions));
  for await (const _ of slotQueue(counted.engine, CLASSIFIER, load, 17, signSteps(), EPS, 1)) break;
  assertEquals(counted.live(), 0);
});
