import { assert, assertAlmostEquals, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import { float32, int32, type NdArray, rng, scalar } from "../../lib/core/mod.ts";
import { constant, createEngine, type MapTensors, matMul, reshape, type Tensor } from "../../lib/engine/mod.ts";
import {
  type AttackBatch,
  margins,
  type Norm,
  projectImages,
  runAttack,
  type SlotAttack,
  type SlotInputs,
  squareAttack,
  type SquareSpec,
} from "../../lib/attacks/mod.ts";
import { bump } from "../../lib/attacks/_square_windows.ts";
import type { Classifier } from "../../lib/models/mod.ts";
import { distances, linear, mlp, randomBatch, rowsOf } from "./_classifiers.ts";

const engine = await createEngine("reference");
const NORMS: readonly Norm[] = ["Linf", "L2", "L1"];
const EPS = { Linf: 0.1, L2: 0.6, L1: 2 } as const;

type Shape = readonly [height: number, width: number, channels: number];
type Leaves = Readonly<Record<string, Tensor>>;
type Arrays = MapTensors<Leaves, NdArray>;

/** An attack as its driver sees it. */
function attackOn(inputShape: Shape, spec: Omit<SquareSpec, "kind"> = {}): SlotAttack<Leaves, Leaves, Leaves> {
  const setting = { classes: 2, inputShape, eps: 0.1, rng: rng(1) };
  return squareAttack({ kind: "square", ...spec }, setting) as unknown as SlotAttack<Leaves, Leaves, Leaves>;
}

const slotAt = (id: number, step: number, trial = 0) => ({ id, label: 0, trial, step, order: new Int32Array(0) });

/** The classifier z = (x . w + bias, 0) on images of a shape, and its margin of class 0 in float64. */
function plane(shape: Shape, bias: number, seed = 3): { classifier: Classifier; w: Float32Array } {
  const w = rng(seed, "plane").normal(shape[0] * shape[1] * shape[2]);
  const classifier = linear(Array.from(w, (each) => [each, 0]), [bias, 0]);
  return { classifier: { ...classifier, inputShape: shape }, w };
}

function grayBatch(shape: Shape, ids: readonly number[]): AttackBatch {
  const size = shape[0] * shape[1] * shape[2];
  return {
    x: float32([ids.length, ...shape], new Float32Array(ids.length * size).fill(0.5)),
    y: int32([ids.length]),
    ids: Int32Array.from(ids),
  };
}

Deno.test("squareAttack() starts in Linf from vertical stripes of random signs", () => {
  const attack = attackOn([6, 40, 3]);
  const { rows, columns } = attack.feeds(slotAt(5, 0)) as Arrays;
  assertEquals(Array.from(rows!.data), [2, 2, 2, 2, 2, 2]);
  assert(columns!.data.every((sign) => Math.abs(sign) === 1));
  const positive = columns!.data.filter((sign) => sign === 1).length;
  assert(positive > 38 && positive < 82, `${positive} of 120, four deviations at most`);
  // Another image, and another trial, has other stripes.
  for (const other of [slotAt(6, 0), slotAt(5, 0, 1)]) {
    assert((attack.feeds(other) as Arrays).columns!.data.some((sign, i) => sign !== columns!.data[i]));
  }
});

Deno.test("squareAttack() draws windows of Linf at every place alike, of one sign per channel", () => {
  // Query 500 of 5000: windows of sqrt(0.05 * 144) = 2.7, so 3 x 3 at 10 x 10 places.
  const attack = attackOn([12, 12, 2]);
  const [tops, lefts] = [new Array<number>(10).fill(0), new Array<number>(10).fill(0)];
  const signs = new Map<string, number>();
  for (let id = 0; id < 4000; id++) {
    const { rows, columns } = attack.feeds(slotAt(id, 500)) as Arrays;
    const [top, left] = [rows!.data.findIndex((v) => v !== 0), columns!.data.findIndex((v) => v !== 0) / 2];
    const inside = (at: number, from: number) => at >= from && at < from + 3;
    const [a, b] = columns!.data.subarray(2 * left, 2 * left + 2);
    assertEquals(Array.from(rows!.data), Array.from({ length: 12 }, (_, row) => inside(row, top) ? 2 : 0));
    assertEquals(
      Array.from(columns!.data),
      Array.from({ length: 24 }, (_, i) => inside(Math.floor(i / 2), left) ? [a, b][i % 2] : 0),
    );
    tops[top]!++;
    lefts[left]!++;
    signs.set(`${a} ${b}`, (signs.get(`${a} ${b}`) ?? 0) + 1);
  }
  // 400 +- 19 each, and 1000 +- 27 each: five deviations.
  for (const count of [...tops, ...lefts]) assert(Math.abs(count - 400) < 95, `${tops} ${lefts}`);
  assertEquals(signs.size, 4);
  for (const count of signs.values()) assert(Math.abs(count - 1000) < 137, `${count}`);
});

Deno.test("squareAttack() draws two windows of L2 and L1, the bump in the first one", () => {
  for (const norm of ["L2", "L1"] as const) {
    const attack = attackOn([12, 12, 2], { norm });
    const kinds = new Set<number>();
    let apart = 0;
    for (let id = 0; id < 200; id++) {
      const { rows, columns, corner, bump: kind, signs } = attack.feeds(slotAt(id, 500)) as Arrays;
      const [top, left] = corner!.data;
      assertEquals(rows!.data.indexOf(1), top);
      assertEquals(columns!.data.indexOf(1), 2 * left!);
      for (const window of [0, 1]) {
        assertEquals(rows!.data.slice(12 * window, 12 * window + 12).filter((v) => v === 1).length, 3);
        assertEquals(columns!.data.slice(24 * window, 24 * window + 24).filter((v) => v === 1).length, 6);
      }
      if (rows!.data.subarray(12).indexOf(1) !== top) apart++;
      assert(signs!.data.every((sign) => Math.abs(sign) === 1));
      kinds.add(kind!.data[0]!);
    }
    assert(apart > 150);
    assertEquals(kinds.size, 2, "the bump lies or stands");
  }
});

for (const norm of NORMS) {
  for (const shape of [[12, 10, 3], [5, 5, 1], [2, 3, 2], [1, 1, 1]] as const) {
    // One pixel: s eta + d / |d| is 0 but for rounding, and what comes of that is anything.
    if (norm !== "Linf" && shape[0] === 1) continue;
    Deno.test(`squareAttack() in ${norm} on ${shape.join("x")} does what a plain loop over pixels does`, async () => {
      const slots = 3;
      const size = shape[0] * shape[1] * shape[2];
      const queries = 24;
      const attack = attackOn(shape, { norm, queries });
      const w = rng(2, "w").normal(size);
      const logits = (x: Tensor) => {
        const columns = float32([size, 2], Array.from(w).flatMap((each) => [each, 0]));
        return matMul(reshape(x, [slots, -1]), constant(columns));
      };
      type Inputs = Omit<SlotInputs<Leaves, Leaves, Leaves>, "logits">;
      const step = engine.compile((inputs: Inputs) => attack.step({ ...inputs, logits }));
      // Some pixels are at the border of the box.
      const x = float32(
        [slots, ...shape],
        rng(2, "x").uniform(slots * size, -0.2, 1.2).map((v) => Math.min(Math.max(v, 0), 1)),
      );
      const plain = Array.from({ length: slots }, (_, s) => x.data.slice(s * size, (s + 1) * size));
      const best: Float32Array[] = plain.map((image) => image.slice());
      const loss = new Array<number>(slots).fill(Infinity);
      let state: unknown = attack.state(x.shape);
      for (let k = 0; k < queries; k++) {
        const feeds = Array.from({ length: slots }, (_, id) => attack.feeds(slotAt(id, k)) as Arrays);
        const trial = Array.from({ length: slots }, (_, id) => attack.trial(slotAt(id, 0)) as Arrays);
        const result = await step({
          x,
          y: int32([slots]),
          fresh: float32([slots], new Float32Array(slots).fill(k === 0 ? 1 : 0)),
          eps: scalar(EPS[norm]),
          state,
          trial: stacked(trial),
          feeds: stacked(feeds),
        } as unknown as MapTensors<Inputs, NdArray>);
        const looked = await engine.read(result.looked) as NdArray<"float32">;
        const found = (await engine.read(result.margin)).data;
        state = result.state;
        for (let s = 0; s < slots; s++) {
          const proposal = norm === "Linf" ? plainLinf(plain[s]!, best[s]!, feeds[s]!, shape, k === 0) : plainBump(
            norm,
            plain[s]!,
            best[s]!,
            k === 0 ? trial[s]! : feeds[s]!,
            shape,
            attackSizes(attack, s, k, shape),
          );
          const mine = looked.data.subarray(s * size, (s + 1) * size);
          proposal.forEach((value, i) =>
            assertAlmostEquals(mine[i]!, value, 3e-5, `query ${k}, slot ${s}, pixel ${i}`)
          );
          const margin = proposal.reduce((sum, value, i) => sum + value * w[i]!, 0);
          assertAlmostEquals(found[s]!, margin, 1e-3);
          if (k === 0 || margin < loss[s]!) {
            best[s] = proposal;
            loss[s] = margin;
          }
          assertAlmostEquals((await engine.read(result.state.loss!)).data[s]!, loss[s]!, 1e-3, "the best is kept");
        }
        distances(looked, x, norm).forEach((length) => assertLessOrEqual(length, EPS[norm] + 2e-6));
        assert(looked.data.every((pixel) => pixel >= 0 && pixel <= 1));
      }
    });
  }
}

/** Leaves of slots as leaves of a batch. */
function stacked(each: readonly Arrays[]): Arrays {
  return Object.fromEntries(
    Object.entries(each[0]!).map(([key, { dtype, shape }]) => {
      const data = each.flatMap((leaves) => Array.from(leaves[key]!.data));
      const all = [each.length, ...shape];
      return [key, dtype === "int32" ? int32(all, data) : float32(all, data)];
    }),
  );
}

/** Side of the window, read off its rows. */
function attackSizes(attack: SlotAttack<Leaves, Leaves, Leaves>, id: number, step: number, [height]: Shape): number {
  const { rows } = attack.feeds(slotAt(id, step)) as Arrays;
  return rows!.data.subarray(0, height).filter((value) => value === 1).length;
}

/** Algorithm 2: every channel of the window moves by +-2 eps, and back into the ball. */
function plainLinf(
  x: Float32Array,
  best: Float32Array,
  { rows, columns }: Arrays,
  [, width, channels]: Shape,
  start: boolean,
) {
  const eps = EPS.Linf;
  return x.map((pixel, i) => {
    const [row, column] = [Math.floor(i / (width * channels)), i % (width * channels)];
    const sign = rows!.data[row]! !== 0 ? columns!.data[column]! : 0;
    const moved = start ? pixel + eps * sign : best[i]! + 2 * eps * sign;
    return Math.min(Math.max(moved, pixel - eps, 0), pixel + eps, 1);
  });
}

/** Algorithm 3, and its form for L1: channel by channel, window by window. */
function plainBump(
  norm: "L2" | "L1",
  x: Float32Array,
  best: Float32Array,
  leaves: Arrays,
  [height, width, channels]: Shape,
  size: number,
): Float32Array {
  const eps = EPS[norm];
  const length = (values: ArrayLike<number>) =>
    norm === "L2" ? Math.hypot(...Array.from(values)) : Array.from(values).reduce((sum, v) => sum + Math.abs(v), 0);
  const at = (row: number, column: number, c: number) => (row * width + column) * channels + c;
  let d = Float64Array.from(best, (value, i) => value - x[i]!);
  if (leaves.start) {
    d = Float64Array.from(leaves.start.data);
  } else {
    const { rows, columns, corner, bump: kind, signs } = leaves;
    const inWindow = (k: number, row: number, column: number) =>
      rows!.data[k * height + row] === 1 && columns!.data[(k * width + column) * channels] === 1;
    const pixels = Array.from({ length: height * width }, (_, i) => [Math.floor(i / width), i % width] as const);
    const first = pixels.filter(([row, column]) => inWindow(0, row, column));
    const either = pixels.filter(([row, column]) => inWindow(0, row, column) || inWindow(1, row, column));
    const left = norm === "L2" ? Math.max(eps ** 2 - length(d) ** 2, 0) : Math.max(eps - length(d), 0);
    const eta = bump(size, norm);
    const next = d.slice();
    for (let c = 0; c < channels; c++) {
      const held = length(either.map(([row, column]) => d[at(row, column, c)]!));
      const old = length(first.map(([row, column]) => d[at(row, column, c)]!));
      const direction = first.map(([row, column]) => {
        const [a, b] = [row - corner!.data[0]!, column - corner!.data[1]!];
        const pattern = kind!.data[0]! % 2 === 0 ? eta[a * size + b]! : eta[b * size + a]!;
        return signs!.data[c]! * pattern + d[at(row, column, c)]! / (old + 1e-12);
      });
      const spent = norm === "L2" ? Math.sqrt(left / channels + held ** 2) : left + held * channels;
      either.forEach(([row, column]) => next[at(row, column, c)] = 0);
      first.forEach(([row, column], i) => {
        next[at(row, column, c)] = direction[i]! / (length(direction) + 1e-12) * spent;
      });
    }
    d = next;
  }
  if (norm === "L2") {
    const scale = eps / (length(d) + 1e-12);
    return x.map((pixel, i) => Math.min(Math.max(pixel + d[i]! * scale, 0), 1));
  }
  const moved = float32([1, height, width, channels], Array.from(x, (pixel, i) => pixel + d[i]!));
  return projectImages(moved, float32(moved.shape, x), "L1", eps).data;
}

Deno.test("squareAttack() begins a trial at nothing of the state", async () => {
  for (const norm of NORMS) {
    const attack = attackOn([4, 4, 1], { norm });
    const logits = (x: Tensor) => reshape(x, [1, 16]);
    const step = engine.compile((inputs: Omit<SlotInputs<Leaves, Leaves, Leaves>, "logits">) =>
      attack.step({ ...inputs, logits })
    );
    const begin = async (best: number, loss: number) => {
      const filled = { best: float32([1, 4, 4, 1], new Float32Array(16).fill(best)), loss: float32([1], [loss]) };
      const result = await step({
        x: float32([1, 4, 4, 1], rng(0).uniform(16)),
        y: int32([1]),
        fresh: float32([1], [1]),
        eps: scalar(EPS[norm]),
        state: filled,
        trial: stacked([attack.trial(slotAt(1, 0)) as Arrays]),
        feeds: stacked([attack.feeds(slotAt(1, 0)) as Arrays]),
      } as never);
      return await Promise.all([result.looked, result.margin, result.state.best!, result.state.loss!].map(engine.read));
    };
    const expected = await begin(0, 0);
    assertEquals(await begin(-1, -1e9), expected, norm);
    assertEquals(await begin(1, NaN), expected, norm);
  }
});

Deno.test("squareAttack() comes near margin - eps ||w||_1 of a linear classifier in a few hundred queries", async () => {
  for (const [shape, queries] of [[[6, 6, 1], 400], [[4, 4, 3], 600]] as const) {
    const { classifier, w } = plane(shape, 30);
    const batch = grayBatch(shape, [0, 1, 2, 3]);
    const clean = await margins(engine, classifier, batch);
    const most = 0.1 * w.reduce((sum, each) => sum + Math.abs(each), 0);
    const { margin, success } = await runAttack(engine, classifier, batch, { kind: "square", queries }, 0.1, rng(0));
    margin.forEach((value, i) => {
      assertGreater(clean[i]! - value, 0.98 * most, `${shape} image ${i}`);
      assertLessOrEqual(clean[i]! - value, most + 1e-4, "nothing in the ball is lower");
    });
    assertEquals(Array.from(success), [0, 0, 0, 0]);
  }
});

Deno.test("squareAttack() goes most of the way to the closed forms of L2 and L1", async () => {
  // No further: a bump has a shape of its own, and w has none.
  const { classifier, w } = plane([6, 6, 1], 30);
  const batch = grayBatch([6, 6, 1], [0, 1]);
  const clean = await margins(engine, classifier, batch);
  for (
    const [norm, eps, dual, share] of [
      ["L2", 0.5, Math.hypot(...w), 0.6],
      ["L1", 1, Math.max(...w.map(Math.abs)), 0.6],
    ] as const
  ) {
    const { margin } = await runAttack(engine, classifier, batch, { kind: "square", norm, queries: 400 }, eps, rng(0));
    margin.forEach((value, i) => {
      assertGreater(clean[i]! - value, share * eps * dual, `${norm} image ${i}`);
      assertLessOrEqual(clean[i]! - value, eps * dual + 1e-4, "nothing in the ball is lower");
    });
  }
});

Deno.test("squareAttack() lets go of an image at the query that fools, and says which", async () => {
  const { w } = plane([6, 6, 1], 0);
  const at = (share: number) => {
    const bias = share * 0.1 * w.reduce((sum, each) => sum + Math.abs(each), 0) - 0.5 * w.reduce((a, b) => a + b, 0);
    return plane([6, 6, 1], bias).classifier;
  };
  const spec = { kind: "square", queries: 200 } as const;
  const batch = grayBatch([6, 6, 1], [7]);
  // Misclassified as it is: no query is needed beside the clean pass and the verifying one.
  const wrong = await runAttack(engine, at(-2), batch, spec, 0.1, rng(0));
  assertEquals([wrong.success[0], wrong.firstStep[0], wrong.forwardPasses], [1, 0, 2]);
  const half = await runAttack(engine, at(0.5), batch, spec, 0.1, rng(0));
  assertEquals([half.success[0], half.forwardPasses], [1, half.firstStep[0]! + 3]);
  assert(half.firstStep[0]! > 0 && half.firstStep[0]! < 199);
  const firm = await runAttack(engine, at(1.5), batch, spec, 0.1, rng(0));
  assertEquals([firm.success[0], firm.firstStep[0], firm.forwardPasses, firm.backwardPasses], [0, -1, 202, 0]);
});

Deno.test("squareAttack() finds the same for an image in one batch, in two, and in another order, with restarts", async () => {
  const classifier = mlp();
  const batch = randomBatch(classifier, 9);
  for (const norm of NORMS) {
    const spec: SquareSpec = { kind: "square", norm, queries: 12, restarts: 2 };
    const run = (rows: readonly number[]) =>
      runAttack(engine, classifier, rowsOf(batch, rows), spec, EPS[norm] / 4, rng(4));
    const whole = await run([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert(whole.success.includes(0) && whole.success.includes(1), `${norm}: ${whole.success}`);
    for (const rows of [[0, 1, 2], [3, 4, 5, 6, 7, 8], [8, 2, 5]]) {
      const part = await run(rows);
      rows.forEach((row, i) => {
        assertEquals(part.xAdv.data.slice(12 * i, 12 * i + 12), whole.xAdv.data.slice(12 * row, 12 * row + 12));
        assertEquals([part.margin[i], part.firstStep[i]], [whole.margin[row], whole.firstStep[row]]);
      });
    }
  }
});

Deno.test("squareAttack() is no weaker with a second trial, and finds something new somewhere", async () => {
  const classifier = mlp();
  const batch = randomBatch(classifier, 24);
  const run = (restarts: number) =>
    runAttack(engine, classifier, batch, { kind: "square", queries: 6, restarts }, 0.05, rng(0));
  const [one, two] = [await run(1), await run(2)];
  // Where the first trial fooled, both end there; elsewhere the lowest margin of both counts.
  two.margin.forEach((margin, i) => assertLessOrEqual(margin, one.margin[i]! + 1e-6));
  assert(two.margin.some((margin, i) => margin < one.margin[i]! - 1e-4));
});

Deno.test("squareAttack() looks at its start alone where one query is allowed", async () => {
  const { classifier } = plane([6, 6, 1], 30);
  for (const norm of NORMS) {
    const batch = grayBatch([6, 6, 1], [0, 1, 2, 3]);
    const spec: SquareSpec = { kind: "square", norm, queries: 1 };
    const { xAdv, forwardPasses } = await runAttack(engine, classifier, batch, spec, EPS[norm], rng(0));
    assertEquals(forwardPasses, 3);
    // A start that is weaker than the image itself is not kept.
    const lengths = distances(xAdv, batch.x, norm);
    assert(lengths.some((length) => length > 0));
    lengths.filter((length) => length > 0).forEach((length) => assertAlmostEquals(length, EPS[norm], 1e-5));
  }
});
