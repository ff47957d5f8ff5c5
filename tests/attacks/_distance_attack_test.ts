import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { float32 } from "../../lib/core/mod.ts";
import type { Engine, Tensor } from "../../lib/engine/mod.ts";
import { type DistanceAttack, insideBall, nearest } from "../../lib/attacks/_distance_attack.ts";
import { DUAL, lengths } from "../../lib/attacks/_lengths.ts";
import type { Norm, SlotAttack } from "../../lib/attacks/mod.ts";
import { testOnEngines } from "../testing/engines.ts";
import { linear } from "./_classifiers.ts";
import { batchOf } from "./_points.ts";
import { runSlots } from "./_run_slots.ts";
import { dot, lengthOf } from "./_shortest_way.ts";

const ENGINES = ["reference", "onnxruntime", "tensorflow"];

testOnEngines("lengths() measures vectors of any size, and DUAL bounds inner products", async (engine) => {
  const vectors = [[3, -4, 0], [0, 0, 0], [3e-30, 4e-30, -1e-31], [1e30, -2e30, 2e30], [0, 0, -0.25]];
  const of = async (norm: Norm) => {
    const program = engine.compile(({ d }: { d: Tensor }) => lengths(d, norm));
    return Array.from((await engine.read(await program({ d: float32([5, 3], vectors.flat()) }))).data);
  };
  for (const norm of ["Linf", "L2", "L1"] as const) {
    (await of(norm)).forEach((length, i) => {
      const expected = lengthOf(vectors[i]!, norm);
      assertAlmostEquals(length, expected, 1e-6 * expected);
    });
    const [g, d] = [[1, -2, 0.5], [0.3, 0.1, -0.7]];
    assert(Math.abs(dot(g, d)) <= lengthOf(g, DUAL[norm]) * lengthOf(d, norm));
  }
  assertEquals(DUAL, { Linf: "L1", L2: "L2", L1: "Linf" });
}, ENGINES);

/** Looks at two given images a step. */
function looking(images: readonly [number[], number[]], margins: readonly [number[], number[]]) {
  const attack: DistanceAttack<object, Readonly<Record<"a" | "b" | "p" | "q", Tensor>>, object> = {
    key: "looking",
    norm: "L1",
    steps: 1,
    trials: 1,
    forwardPasses: 0,
    backwardPasses: 0,
    state: () => ({}),
    trial: ({ id }) => ({
      a: float32([1, 1, 1], [images[0][id]!]),
      b: float32([1, 1, 1], [images[1][id]!]),
      p: float32([], [margins[0][id]!]),
      q: float32([], [margins[1][id]!]),
    }),
    feeds: () => ({}),
    step: ({ trial: { a, b, p, q } }) => ({ state: {}, looked: [{ image: a, margin: p }, { image: b, margin: q }] }),
  };
  return attack;
}

async function look(engine: Engine, attack: object, count: number, eps: number) {
  const zeros = batchOf(Array.from({ length: count }, () => [0]), Array(count).fill(0));
  const [seen] = await runSlots(engine, linear([[1, -1]], [0, 0]), zeros, attack as SlotAttack, eps);
  return { looked: Array.from(seen!.looked.data), margin: seen!.margin };
}

testOnEngines(
  "insideBall() takes the lowest margin in the ball, and lets through what is not a number",
  async (engine) => {
    const attack = looking(
      [[0.2, 0.2, 0.4, 0.2, NaN, 0.4], [0.1, 0.4, 0.6, 0.1, NaN, NaN]],
      [[-1, 2, -1, 2, NaN, 1], [-2, -1, -1, 1, NaN, NaN]],
    );
    const { looked, margin } = await look(engine, insideBall(attack), 6, 0.3);
    assertEquals(margin.map((m) => m > 1e38 ? "none" : m), [-2, 2, "none", 1, NaN, NaN]);
    assertEquals([0, 1, 3].map((i) => looked[i]), [0.1, 0.2, 0.1].map(Math.fround));
    assert(Number.isNaN(looked[4]) && Number.isNaN(looked[5]));
  },
  ENGINES,
);

testOnEngines("nearest() takes the nearest that is misclassified, below every margin and above 0", async (engine) => {
  const attack = looking([[0.2, 0.2, 0.4, 0.2], [0.1, 0.4, 0.6, NaN]], [[-1, 2, 1, 2], [-2, -1, 0, NaN]]);
  const { looked, margin } = await look(engine, nearest(attack), 4, 0.01);
  assertEquals([0, 1].map((i) => looked[i]), [0.1, 0.4].map(Math.fround));
  [0.1, 0.4].forEach((distance, i) => {
    assertAlmostEquals(margin[i]! * 2 ** 90, distance, 1e-6);
    assert(margin[i]! > 0 && margin[i]! < 1e-25);
  });
  assert(margin[2]! > 1e38);
  assert(Number.isNaN(margin[3]) && Number.isNaN(looked[3]));
}, ENGINES);
