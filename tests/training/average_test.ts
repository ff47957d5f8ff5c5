import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { float32, type NdArray, scalar, UsageError } from "../../lib/core/mod.ts";
import { createEngine, readTree } from "../../lib/engine/mod.ts";
import type { Weights } from "../../lib/models/mod.ts";
import { averageShare, type AverageSpec, checkAverage, moveAverage } from "../../lib/training/average.ts";

// torch.optim.swa_utils.AveragedModel of one parameter that is [1, -1], [2, 3], [4, 0.5], [8, -2], without avg_fn and with
// get_ema_avg_fn(0.75), PyTorch 2.13.0; its moving average begins with the first of them, as ours with the first weights.
const SEEN = [[1, -1], [2, 3], [4, 0.5], [8, -2]];
const SWA = [[1, -1], [1.5, 1], [2.3333332538604736, 0.8333333134651184], [3.75, 0.125]];
const EMA = [[1, -1], [1.25, 0], [1.9375, 0.125], [3.453125, -0.40625]];

async function averages(shares: readonly number[], first: readonly number[]): Promise<number[][]> {
  await using engine = await createEngine("reference");
  const program = engine.compile(moveAverage);
  const weights = (data: readonly number[]): Weights<NdArray> => ({
    parameters: { w: float32([2], data) },
    buffers: { m: float32([2], data) },
  });
  let average = weights(first);
  const found: number[][] = [];
  for (const [i, share] of shares.entries()) {
    average = await readTree(engine, await program({ average, now: weights(SEEN[i]!), share: scalar(share) }));
    assertEquals(average.buffers["m"], average.parameters["w"]);
    found.push([...average.parameters["w"]!.data]);
  }
  return found;
}

function assertClose(actual: readonly number[][], expected: readonly number[][]): void {
  assertEquals(actual.length, expected.length);
  actual.flat().forEach((value, i) => assertAlmostEquals(value, expected.flat()[i]!, 1e-6));
}

Deno.test("averageShare() of an equal average makes AveragedModel's of PyTorch, from nothing before it", async () => {
  const shares = [0, 1, 2, 3].map((step) => averageShare({ kind: "swa", from: 0, every: 1 }, step, 4, 2));
  assertClose(await averages(shares, [1e6, 7]), SWA);
});

Deno.test("averageShare() of a moving average makes AveragedModel's of PyTorch", async () => {
  const shares = [0, 1, 2, 3].map((step) => averageShare({ kind: "ema", decay: 0.75 }, step, 4, 2));
  assertClose(await averages(shares, SEEN[0]!), EMA);
});

Deno.test("averageShare() of a moving average warms up as (1 + t) / (10 + t)", () => {
  const expected = { 0: 0.1, 1: 2 / 11, 8: 0.5, 99: 0.6 };
  for (const [step, decay] of Object.entries(expected)) {
    const share = averageShare({ kind: "ema", decay: 0.6, warmUp: true }, Number(step), 100, 10);
    assertAlmostEquals(1 - share, decay, 1e-12);
  }
});

Deno.test("averageShare() of an equal average takes the ends of epochs, or every so many steps, from its share on", () => {
  const shares = (spec: Partial<AverageSpec>) =>
    Array.from(
      { length: 12 },
      (_, step) => averageShare({ kind: "swa", from: 0.5, ...spec } as AverageSpec, step, 12, 3),
    );
  assertEquals(shares({}), [0, 0, 0, 0, 0, 1, 0, 0, 1 / 2, 0, 0, 1 / 3]);
  assertEquals(shares({ every: 2 }), [0, 0, 0, 0, 0, 1, 0, 1 / 2, 0, 1 / 3, 0, 1 / 4]);
  assertEquals(shares({ every: 5 }), [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0]);
  assertEquals(shares({ from: 1 }), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
});

Deno.test("checkAverage() refuses averages of nothing", () => {
  checkAverage(undefined, 10, 5);
  checkAverage({ kind: "swa", from: 1 }, 10, 5);
  const refuses = (spec: AverageSpec, message: string) =>
    assertThrows(() => checkAverage(spec, 10, 5), UsageError, message);
  refuses({ kind: "ema", decay: 1 }, "Cannot average weights with the decay 1: write a share below 1, such as 0.999");
  refuses({ kind: "swa", from: 2 }, "Cannot average weights from 2 of training on: write a share from 0 to 1");
  refuses(
    { kind: "swa", from: 0, every: 0 },
    "Cannot average weights with 0 steps: write an integer of at least 1",
  );
  refuses(
    { kind: "swa", from: 0.5, every: 11 },
    "Cannot average weights every 11 steps from 0.5 of 10 steps on as none are taken: begin earlier or take them more",
  );
});
