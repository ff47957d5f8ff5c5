import { assert, assertAlmostEquals, assertEquals, assertLessOrEqual } from "@std/assert";
import { rng } from "../../lib/core/mod.ts";
import { createEngine, type Tensor } from "../../lib/engine/mod.ts";
import { type AttackBatch, type FabSpec, type Norm, runAttack, type SlotAttack } from "../../lib/attacks/mod.ts";
import type { DistanceAttack } from "../../lib/attacks/_distance_attack.ts";
import { fab, fabDistance } from "../../lib/attacks/fab.ts";
import type { Classifier, Weights } from "../../lib/models/mod.ts";
import { testOnEngines } from "../testing/engines.ts";
import { CLEVERHANS, linear } from "./_classifiers.ts";
import { batchOf, CLEVERHANS_BATCH, linearCase, type Planes, settingOf, TANH, TANH_BATCH } from "./_points.ts";
import { runSlots } from "./_run_slots.ts";
import { dot, lengthOf, shortestWay } from "./_shortest_way.ts";

const engine = await createEngine("reference");
const NORMS: readonly Norm[] = ["Linf", "L2", "L1"];

/** The points of one kind that the attack looks at, wherever they lie: after each step, or where it begins. */
function looking<S extends object, T extends object, F extends object>(
  attack: DistanceAttack<S, T, F>,
  at: "after" | "before",
): SlotAttack {
  const step: SlotAttack<S, T, F>["step"] = (inputs) => {
    const { state, looked } = attack.step(inputs);
    const { image, margin } = looked[at === "before" ? 0 : 1]!;
    return { state, looked: image, margin };
  };
  return { ...attack, step } as unknown as SlotAttack;
}

const wayTo = (looked: ArrayLike<number>, x: ArrayLike<number>, row: number, size: number) =>
  Array.from({ length: size }, (_, i) => looked[row * size + i]! - x[row * size + i]!);

/** Distance of the nearest misclassified image among those looked at. */
async function nearestSeen(classifier: Classifier, batch: AttackBatch, spec: FabSpec, orders: Int32Array[] = []) {
  const attack = looking(fabDistance(spec, settingOf(classifier)), "after");
  const seen = await runSlots(engine, classifier, batch, attack, 1, orders);
  const size = batch.x.data.length / batch.ids.length;
  return Array.from(
    batch.ids,
    (_, row) =>
      seen.reduce(
        (least, { looked, margin }) =>
          margin[row]! < 0
            ? Math.min(least, lengthOf(wayTo(looked.data, batch.x.data, row, size), spec.norm ?? "Linf"))
            : least,
        Infinity,
      ),
  );
}

/**
 * Distances that FABAttack_PT.attack_single_run() of fra31/auto-attack a39220048b3c9f2cca9a4d3a54604793c68eca7e found on
 * these networks and points after 1, 3 and 10 steps (PyTorch 2.13.0 on the CPU, no random start).
 */
const OFFICIAL: { readonly [N in Norm]: { readonly cleverhans: number[][]; readonly tanh: number[][] } } = {
  Linf: {
    cleverhans: [
      [0.306344, 0.163672, 0.20036, 0.104539],
      [0.24668, 0.153951, 0.181518, 0.102072],
      [0.24668, 0.153951, 0.181108, 0.102072],
    ],
    tanh: [
      [0.04675, 0.019887, 0.082306, 0.499599],
      [0.043902, 0.019611, 0.074033, 0.44566],
      [0.043902, 0.019611, 0.071922, 0.445578],
    ],
  },
  L2: {
    cleverhans: [
      [0.412917, 0.223082, 0.223928, 0.115881],
      [0.336584, 0.20992, 0.206323, 0.113837],
      [0.336584, 0.20992, 0.206323, 0.113815],
    ],
    tanh: [
      [0.070128, 0.032645, 0.101312, 0.499599],
      [0.069911, 0.031635, 0.087922, 0.444285],
      [0.069751, 0.031635, 0.087922, 0.444285],
    ],
  },
  L1: {
    cleverhans: [
      [0.465019, 0.256387, 0.259935, 0.134286],
      [0.38629, 0.24162, 0.237653, 0.130255],
      [0.38629, 0.24162, 0.237653, 0.130255],
    ],
    tanh: [
      [Infinity, 0.040657, 0.127196, 0.499599],
      [0.092664, 0.038157, 0.104335, 0.441618],
      [0.092664, 0.038157, 0.104335, 0.441618],
    ],
  },
};

for (const norm of NORMS) {
  Deno.test(`fab() finds the distances that the official code finds in ${norm}`, async () => {
    for (const [row, steps] of [1, 3, 10].entries()) {
      const two = await nearestSeen(CLEVERHANS, CLEVERHANS_BATCH, { kind: "fab", norm, steps });
      assertVector(two, OFFICIAL[norm].cleverhans[row]!, `2 classes, ${steps} steps`);
      const four = await nearestSeen(TANH, TANH_BATCH, { kind: "fab", norm, steps });
      assertVector(four, OFFICIAL[norm].tanh[row]!, `4 classes, ${steps} steps`);
    }
  });

  Deno.test(`fab() with targets finds the distances that the official code finds in ${norm}`, async () => {
    // The classes by clean logit; in L1 after one step the official code finds the third target of the first point.
    const orders = await ordersOf(TANH, TANH_BATCH);
    for (const [row, steps] of [1, 3, 10].entries()) {
      const found = await nearestSeen(TANH, TANH_BATCH, { kind: "fab", norm, steps, targets: 3 }, orders);
      const expected = OFFICIAL[norm].tanh[row]!.map((v) => v === Infinity ? 1.274007 : v);
      assertVector(found, expected, `${steps} steps`);
    }
  });

  Deno.test(`fab() takes the steps of algorithm 1 on linear classifiers in ${norm} (float64, by sorting)`, async () => {
    const { classifier, batch, planes } = linearCase(5, 12);
    const attack = looking(fabDistance({ kind: "fab", norm, steps: 8 }, settingOf(classifier)), "after");
    const seen = await runSlots(engine, classifier, batch, attack, 1);
    for (const row of batch.ids) {
      const x = Array.from(batch.x.data.subarray(row * 12, row * 12 + 12));
      const expected = algorithm1(x, planes(batch.y.data[row]!), norm, 8);
      seen.forEach(({ looked }, step) => {
        const found = Array.from(looked.data.subarray(row * 12, row * 12 + 12));
        found.forEach((v, i) => assertAlmostEquals(v, expected[step]![i]!, 2e-5, `image ${row}, step ${step}`));
      });
    }
  });
}

const DUALS: { readonly [N in Norm]: Norm } = { Linf: "L1", L2: "L2", L1: "Linf" };

/** Points after each step, written from the paper without a thought for speed. */
function algorithm1(x: readonly number[], planes: Planes, norm: Norm, steps: number): number[][] {
  let at = [...x];
  return Array.from({ length: steps }, () => {
    const value = ({ w, c }: Planes[number], v: readonly number[]) => dot(w, v) + c;
    const plane = planes.toSorted((a, b) =>
      Math.abs(value(a, at)) / lengthOf(a.w, DUALS[norm]) - Math.abs(value(b, at)) / lengthOf(b.w, DUALS[norm])
    )[0]!;
    const d = shortestWay(at, plane.w, value(plane, at), norm);
    const d0 = shortestWay(x, plane.w, value(plane, x), norm);
    const [a, a0] = [Math.max(lengthOf(d, norm), 1e-8), Math.max(lengthOf(d0, norm), 1e-8)];
    const alpha = Math.min(a / (a + a0), 0.1);
    const next = at.map((v, i) => {
      const moved = (v + 1.05 * d[i]!) * (1 - alpha) + (x[i]! + 1.05 * d0[i]!) * alpha;
      return Math.min(Math.max(moved, 0), 1);
    });
    const wrong = planes.some((p) => value(p, next) > 0);
    at = wrong ? next.map((v, i) => x[i]! + 0.9 * (v - x[i]!)) : next;
    return next;
  });
}

Deno.test("fab() reports an image outside of the ball as not looked at, and the margin of one inside", async () => {
  // Margin 2 x_0 - 1 at (0.8, 0.5): the boundary at 0.3, the first step at 0.315, that after the way back at 0.2835.
  const classifier = linear([[1, -1], [0, 0]], [-0.5, 0.5]);
  const batch = batchOf([[0.8, 0.5]], [0]);
  const spec: FabSpec = { kind: "fab", norm: "L2", steps: 2 };
  const margins = async (eps: number) =>
    (await runSlots(engine, classifier, batch, fab(spec, settingOf(classifier)), eps)).map(({ margin }) => margin[0]!);
  assertVector(
    await margins(0.32),
    [-0.03, -0.00015],
    "the second point is nearer by the mixture of the two ways",
    1e-2,
  );
  // The start, of margin 0.6, is in every ball, so it is looked at where the point after the step is not.
  assertAlmostEquals((await margins(0.2))[0]!, 0.6, 1e-6);
  assertAlmostEquals((await margins(0.2))[1]!, 3e38, 1e32);
});

Deno.test("fab() starts its restarts at half of the radius, in a direction of their own per image and target", () => {
  const classifier = linear([[1, -1, 0], [0, 0, 1], [0.5, 0, 0], [0, 0, 0]], [0, 0, 0]);
  for (const norm of NORMS) {
    const starts = (seed: number, id: number, trial: number) => {
      const attack = fabDistance({ kind: "fab", norm, restarts: 3, targets: 2 }, settingOf(classifier, 0.2, seed));
      assertEquals(attack.trials, 6);
      const slot = { id, label: 0, trial, step: 0, order: Int32Array.of(2, 1) };
      const { start, target } = attack.trial(slot) as { start: { data: Float32Array }; target: { data: Int32Array } };
      return { start: Array.from(start.data), target: target.data[0] };
    };
    assertEquals([0, 1, 2, 3, 4, 5].map((trial) => starts(0, 7, trial).target), [2, 2, 2, 1, 1, 1]);
    for (const trial of [0, 3]) assertEquals(starts(0, 7, trial).start, [0, 0, 0, 0]);
    const some = [1, 2, 4, 5].map((trial) => starts(0, 7, trial).start);
    some.forEach((start) => assertAlmostEquals(lengthOf(start, norm), 0.5, 1e-6));
    assertEquals(starts(0, 7, 1).start, some[0]);
    const all = [...some, starts(0, 8, 1).start, starts(1, 7, 1).start].map(String);
    assertEquals(new Set(all).size, all.length);
  }
});

Deno.test("fab() looks at its random starts: the start itself is inside the box, at most eps / 2 away", async () => {
  const classifier = linear([[1, -1], [1, -1], [1, -1]], [-2, 2]);
  const batch = batchOf([[0.95, 0.9, 1], [0.7, 0.7, 0.9]], [0, 0]);
  const attack = fabDistance({ kind: "fab", norm: "L2", steps: 1, restarts: 2 }, settingOf(classifier));
  const [clean, random] = await runSlots(engine, classifier, batch, looking(attack, "before"), 0.4);
  assertEquals(Array.from(clean!.looked.data), Array.from(batch.x.data));
  for (const row of [0, 1]) {
    const way = wayTo(random!.looked.data, batch.x.data, row, 3);
    assert(lengthOf(way, "L2") > 0.01 && lengthOf(way, "L2") <= 0.2 + 1e-6);
  }
  assert(random!.looked.data.every((v) => v >= 0 && v <= 1));
});

Deno.test("fab() with one target goes to that class alone, which may not be the nearest", async () => {
  // z at (0.5, 0.5) = (1, 0.9, 0): class 1 is next by logit, but 0.1 / 0.1 away; class 2 is at 1 / 4.
  const classifier = linear([[0, 0.1, 0], [0, 0, 4]], [1, 0.85, -2]);
  const batch = batchOf([[0.5, 0.5]], [0]);
  const orders = await ordersOf(classifier, batch);
  assertEquals(Array.from(orders[0]!), [1, 2]);
  const distance = async (spec: Partial<FabSpec>) =>
    (await nearestSeen(classifier, batch, { kind: "fab", norm: "L2", steps: 10, ...spec }, orders))[0]!;
  assertEquals(await distance({ targets: 1 }), Infinity, "class 1 is beyond the border of the box");
  assertAlmostEquals(await distance({ targets: 2 }), 0.25, 0.0025);
  assertAlmostEquals(await distance({ targets: 9 }), 0.25, 0.0025);
  assertAlmostEquals(await distance({}), 0.25, 0.0025);
});

testOnEngines("fab() breaks a linear classifier just where the ball reaches its boundary", async (engine) => {
  const { classifier, batch, planes } = linearCase(2, 12);
  for (const norm of NORMS) {
    const exact = Array.from(batch.ids, (row) => {
      const x = batch.x.data.subarray(row * 12, row * 12 + 12);
      const [plane] = planes(batch.y.data[row]!);
      return lengthOf(shortestWay(x, plane!.w, dot(plane!.w, x) + plane!.c, norm), norm);
    });
    for (const eps of exact.toSorted((a, b) => a - b).slice(2, 5).map((v) => Math.min(1.01 * v, 1))) {
      const result = await runAttack(engine, classifier, batch, { kind: "fab", norm, steps: 20 }, eps, rng(0));
      exact.forEach((distance, row) => {
        if (distance * 1.009 < eps) assertEquals(result.success[row], 1, `${norm} ${eps} ${distance}`);
        if (distance > eps * (1 + 1e-5)) assertEquals(result.success[row], 0, `${norm} ${eps} ${distance}`);
        const way = wayTo(result.xAdv.data, batch.x.data, row, 12);
        assertLessOrEqual(lengthOf(way, norm), eps + 1e-6);
      });
    }
  }
});

async function ordersOf(classifier: Classifier, { x, y }: AttackBatch): Promise<Int32Array[]> {
  const program = engine.compile(({ weights, x }: { weights: Weights<Tensor>; x: Tensor }) =>
    classifier.logits(weights, x)
  );
  const z = (await engine.read(await program({ weights: classifier.weights, x }))).data;
  return Array.from(y.data, (label, row) => {
    const own = z.subarray(row * classifier.classes, (row + 1) * classifier.classes);
    const others = Array.from(own.keys()).filter((k) => k !== label);
    return Int32Array.from(others.sort((a, b) => own[b]! - own[a]!));
  });
}

function assertVector(actual: readonly number[], expected: readonly number[], what: string, tolerance = 2e-5): void {
  assertEquals(actual.length, expected.length);
  actual.forEach((v, i) =>
    v === expected[i] || assertAlmostEquals(v, expected[i]!, tolerance, `${what}: ${actual} where ${expected} was`)
  );
}
