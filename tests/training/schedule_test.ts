import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { learningRate, type ScheduleSpec } from "../../lib/training/schedule.ts";

function assertRates(spec: ScheduleSpec, totalSteps: number, expected: number[]): void {
  expected.forEach((rate, step) => assertAlmostEquals(learningRate(spec, step, totalSteps), rate, 1e-12));
}

Deno.test("learningRate() of a constant schedule is the peak", () => {
  assertRates({ kind: "constant", peak: 0.1 }, 3, [0.1, 0.1, 0.1]);
});

// torch.optim.lr_scheduler.MultiStepLR(milestones=[3, 6], gamma=0.1), base rate 0.1, PyTorch 2.13.0.
Deno.test("learningRate() of a step schedule is MultiStepLR's, in shares or in epochs", () => {
  const rates = [0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.001, 0.001, 0.001];
  assertRates({ kind: "step", peak: 0.1, milestones: [3 / 9, 6 / 9], factor: 0.1 }, 9, rates);
  assertRates({ kind: "step", peak: 0.1, milestones: [100, 200], epochs: 300 }, 9, rates);
});

// torch.optim.lr_scheduler.CosineAnnealingLR(T_max=8, eta_min=0.001), base rate 0.1, PyTorch 2.13.0.
Deno.test("learningRate() of a cosine schedule is CosineAnnealingLR's", () => {
  assertRates({ kind: "cosine", peak: 0.1, final: 0.001 }, 8, [
    0.1,
    0.0962320368593087,
    0.0855017856687341,
    0.06944282990207196,
    0.0505,
    0.03155717009792806,
    0.0154982143312659,
    0.004767963140691306,
  ]);
});

// torch.optim.lr_scheduler.OneCycleLR(max_lr=0.1, total_steps=10, pct_start=0.3, anneal_strategy=...), PyTorch 2.13.0.
Deno.test("learningRate() of a one-cycle schedule is OneCycleLR's", () => {
  assertRates({ kind: "oneCycle", peak: 0.1 }, 10, [
    0.0040000000000000036,
    0.052000000000000005,
    0.1,
    0.09504846320134738,
    0.0811745653949763,
    0.06112620219362893,
    0.03887419780637107,
    0.0188258346050237,
    0.004951936798652629,
    4e-07,
  ]);
  assertRates({ kind: "oneCycle", peak: 0.1, warmUp: 0.3, anneal: "linear" }, 10, [
    0.004,
    0.052000000000000005,
    0.1,
    0.08571434285714286,
    0.07142868571428572,
    0.05714302857142858,
    0.042857371428571434,
    0.028571714285714284,
    0.014286057142857148,
    4e-07,
  ]);
});

Deno.test("learningRate() of a one-cycle schedule is defined for a single step and for no warm-up", () => {
  assertEquals(learningRate({ kind: "oneCycle", peak: 0.1 }, 0, 1), 0.1);
  assertEquals(learningRate({ kind: "oneCycle", peak: 0.1, warmUp: 0 }, 0, 5), 0.1);
  assertAlmostEquals(learningRate({ kind: "oneCycle", peak: 0.1, warmUp: 1 }, 4, 5), 0.1, 1e-12);
});

Deno.test("learningRate() warms up in a line over the first share of training", () => {
  assertRates({ kind: "constant", peak: 0.1, warmUp: 0.5 }, 8, [0.025, 0.05, 0.075, 0.1, 0.1, 0.1, 0.1, 0.1]);
  assertRates({ kind: "step", peak: 1, milestones: [0.25], factor: 0.5, warmUp: 0.5 }, 8, [0.25, 0.5, 0.375, 0.5, 0.5]);
});

Deno.test("learningRate() refuses schedules that cannot be meant", () => {
  const refuses = (spec: ScheduleSpec, message: string) =>
    assertThrows(() => learningRate(spec, 0, 10), UsageError, message);
  refuses(
    { kind: "constant", peak: 0 },
    "Cannot use 0 as the largest learning rate: write a positive number such as 0.1",
  );
  refuses(
    { kind: "constant", peak: 1, warmUp: 2 },
    "Cannot warm up over 2 of training: write a share from 0 to 1",
  );
  refuses(
    { kind: "step", peak: 1, milestones: [100, 150] },
    "Cannot use the milestones [100, 150]: write rising shares of training in (0, 1]",
  );
  refuses(
    { kind: "step", peak: 1, milestones: [150, 100], epochs: 200 },
    "Cannot use the milestones [150, 100]: write rising epochs in (0, 200]",
  );
  refuses(
    { kind: "oneCycle", peak: 1, startDivisor: 0 },
    "Cannot use the divisors 0 and 10000 of a rate: they must be positive",
  );
});

// torch.optim.lr_scheduler.CyclicLR(base_lr=0.02, max_lr=0.2, step_size_up=3, step_size_down=2, mode=...), PyTorch 2.13.0.
Deno.test("learningRate() of a cyclic schedule is CyclicLR's", () => {
  const spec: ScheduleSpec = { kind: "cyclic", peak: 0.2, base: 0.02, cycles: 2, rise: 3 / 5 };
  assertRates(spec, 10, [0.02, 0.08, 0.14, 0.2, 0.11, 0.02, 0.08, 0.14, 0.2, 0.11]);
  assertRates({ ...spec, factor: 0.5 }, 10, [0.02, 0.08, 0.14, 0.2, 0.11, 0.02, 0.05, 0.08, 0.11, 0.065]);
});

// np.interp([epoch + (i + 1) / 2], [0, 5 * 2 // 5, 5], [0, 0.2, 0]) of 5 epochs of 2 steps, as the code of Wong, Rice,
// Kolter (2020); NumPy 2.4.6.
Deno.test("learningRate() of a piecewise schedule goes in straight lines, and stays outside of its knots", () => {
  assertRates({ kind: "piecewise", peak: 0.2, knots: [[0, 0], [0.4, 1], [1, 0]] }, 10, [
    0.05,
    0.1,
    0.15,
    0.2,
    1 / 6,
    2 / 15,
    0.1,
    1 / 15,
    1 / 30,
    0,
  ]);
  assertRates({ kind: "piecewise", peak: 1, knots: [[0.5, 1], [0.75, 0.5]] }, 4, [1, 1, 0.5, 0.5]);
  assertRates({ kind: "piecewise", peak: 1, knots: [[0.5, 0.25]] }, 4, [0.25, 0.25, 0.25, 0.25]);
});

Deno.test("learningRate() refuses cycles and knots that cannot be meant", () => {
  const refuses = (spec: ScheduleSpec, message: string) =>
    assertThrows(() => learningRate(spec, 0, 10), UsageError, message);
  refuses(
    { kind: "cyclic", peak: 0.1, base: 0.2 },
    "Cannot begin a cycle at the rate 0.2: write a number from 0 to the peak 0.1",
  );
  refuses(
    { kind: "cyclic", peak: 0.1, rise: 1 },
    "Cannot use 1 cycles that rise over 1 and shrink by 1: write positive numbers, the rise below 1",
  );
  for (const knots of [[], [[0.5, 1], [0.5, 0]], [[0, 2]]] as [number, number][][]) {
    refuses(
      { kind: "piecewise", peak: 0.1, knots },
      `Cannot use the knots ${JSON.stringify(knots)}: write rising shares of training with shares of the peak, such ` +
        "as [[0, 0], [0.4, 1], [1, 0]]",
    );
  }
});
