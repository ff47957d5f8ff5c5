import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { DataError, float32, int32, rng, UsageError } from "../../lib/core/mod.ts";
import { boundMargins, type BoundSpec, type CertifiedNorm } from "../../lib/certificates/mod.ts";
import {
  add,
  concat,
  conv2d,
  createEngine,
  type Engine,
  matMul,
  mean,
  mul,
  relu,
  reshape,
  softmax,
  sub,
  sum,
} from "../../lib/engine/mod.ts";
import { type Classifier, createModel, freeze } from "../../lib/models/mod.ts";
import { testOnEngines } from "../testing/engines.ts";
import { type Exact, NONLINEAR, randomConvolutions, randomMlp, smallestMargins, TOY } from "./_networks.ts";

const IBP = { kind: "ibp" } as const;
const CROWN_IBP = { kind: "crown", intermediate: "ibp" } as const;
const CROWN = { kind: "crown", intermediate: "crown" } as const;
const ALPHA = { ...CROWN, optimise: { steps: 5 } } as const;
const METHODS: readonly BoundSpec[] = [IBP, CROWN_IBP, CROWN, ALPHA];

const bound = async (
  engine: Engine,
  classifier: Classifier,
  x: ArrayLike<number>,
  y: number,
  eps: number,
  norm: CertifiedNorm,
  method: BoundSpec,
) => {
  const { inputShape } = classifier;
  const images = { x: float32([1, ...inputShape], x), y: int32([1], [y]) };
  return Array.from((await boundMargins(engine, classifier, { ...images, eps, norm, method })).data);
};

// auto_LiRPA's example (examples/simple/toy.py); the intervals were derived by hand.
testOnEngines("bounds of the 2-2-1 network are those derived by hand", async (engine) => {
  const interval = async (method: BoundSpec) => {
    const [, lower] = await bound(engine, TOY, [0.5, 0.5], 0, 0.5, "Linf", method);
    const [negated] = await bound(engine, TOY, [0.5, 0.5], 1, 0.5, "Linf", method);
    return [lower!, -negated!];
  };
  const optimised = { ...CROWN, optimise: { steps: 40, rate: 0.3 } } as const;
  for (
    const [method, [low, high]] of [
      [IBP, [-6, 4]],
      [CROWN_IBP, [-3, 3]],
      [CROWN, [-3, 3]],
      [optimised, [-3, 2]],
    ] as const
  ) {
    const [lower = 0, upper = 0] = await interval(method);
    assert(lower <= low && lower > low - 1e-3, `${lower} is not just below ${low}`);
    assert(upper >= high && upper < high + 1e-3, `${upper} is not just above ${high}`);
  }
}, ["reference", "onnxruntime", "tensorflow"]);

Deno.test("IBP of one convolution and ReLU is what is worked out by hand", async () => {
  await using engine = await createEngine("reference");
  // Logits: sum of relu(conv), and 0. Image 2x2 at 0.5, eps 0.25; filter 2x2 [1, -1; 2, 0.5], no padding; one output.
  const classifier: Classifier = {
    classes: 2,
    inputShape: [2, 2, 1],
    logits: ({ parameters }, x) => relu(mean(conv2d(x, parameters.w!, 1, 0), [1, 2])),
    weights: { parameters: { w: float32([2, 2, 1, 2], [1, 0, -1, 0, 2, 0, 0.5, 0]) }, buffers: {} },
  };
  // Centre 0.5 (1 - 1 + 2 + 0.5) = 1.25, radius 0.25 (1 + 1 + 2 + 0.5) = 1.125.
  const [own, lower] = await bound(engine, classifier, [0.5, 0.5, 0.5, 0.5], 0, 0.25, "Linf", IBP);
  assertEquals(own, 0);
  assertAlmostEquals(lower!, 0.125, 1e-4);
  const [upper] = await bound(engine, classifier, [0.5, 0.5, 0.5, 0.5], 1, 0.25, "Linf", IBP);
  assertAlmostEquals(upper!, -2.375, 1e-4);
});

testOnEngines("bounds of a linear network are its dual norms, for every method", async (engine) => {
  const spec = { kind: "mlp", hidden: [], mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] } as const;
  const model = createModel(spec, { classes: 4, inputShape: [3, 3, 3] });
  const classifier = freeze(model, model.init(rng(3, "linear")));
  const w = classifier.weights.parameters["fc1.weight"] as ReturnType<typeof float32>;
  const b = classifier.weights.parameters["fc1.bias"] as ReturnType<typeof float32>;
  const x = rng(4, "x").uniform(27, 0.3, 0.7);
  const y = 2;
  for (const [norm, eps] of [["Linf", 0.1], ["Linf", 0.5], ["L2", 0.2]] as const) {
    const expected = [0, 1, 2, 3].map((k) => {
      let margin = b.data[y]! - b.data[k]!;
      let [least, squares] = [0, 0];
      for (let i = 0; i < 27; i++) {
        // Images are flattened channels first.
        const row = (i % 3) * 9 + Math.floor(i / 3);
        const slope = (w.data[row * 4 + y]! - w.data[row * 4 + k]!) / spec.std[i % 3]!;
        margin += slope * (x[i]! - spec.mean[i % 3]!);
        const room = slope > 0 ? Math.min(eps, x[i]!) : Math.min(eps, 1 - x[i]!);
        least -= Math.abs(slope) * room;
        squares += slope ** 2;
      }
      return norm === "Linf" ? margin + least : margin - eps * Math.sqrt(squares);
    });
    for (const method of METHODS) {
      const found = await bound(engine, classifier, x, y, eps, norm, method);
      found.forEach((lower, k) => {
        if (k === y) return assertEquals(lower, 0);
        assert(lower <= expected[k]! && lower > expected[k]! - 3e-4, `${lower} is not just below ${expected[k]}`);
      });
    }
  }
}, ["reference", "onnxruntime", "tensorflow"]);

/** Asserts that no point that is tried has a margin below a bound of any method. */
async function holds(engine: Engine, exact: Exact, seed: number, count: number): Promise<void> {
  const size = exact.classifier.inputShape.reduce((a, b) => a * b);
  for (const [norm, eps] of [["Linf", 0.03], ["Linf", 0.2], ["L2", 0.1], ["L2", 0.6]] as const) {
    const x = rng(seed, "x", norm, eps).uniform(size, 0, 1);
    const y = seed % exact.classifier.classes;
    const least = smallestMargins(exact, x, y, eps, norm, count, seed);
    for (const method of METHODS) {
      const bounds = await bound(engine, exact.classifier, x, y, eps, norm, method);
      least.forEach((margin, k) => {
        if (k !== y) assert(margin >= bounds[k]!, `${norm} ${eps}: a point has margin ${margin} below ${bounds[k]}`);
      });
    }
  }
}

Deno.test("no point of fully connected networks is below a bound, whatever the nonlinearity", async () => {
  await using engine = await createEngine("reference");
  for (const [seed, nonlinear] of Object.keys(NONLINEAR).entries()) {
    const exact = randomMlp([4, 8, 6, 3], seed, nonlinear, 1.5);
    await holds(engine, exact, seed, 3000);
  }
});

Deno.test("on every interval, lines and ends lie around each nonlinearity, and the ends are no wider than needed", async () => {
  await using engine = await createEngine("reference");
  const n = 200;
  const x = rng(1, "x").uniform(n, 0, 1);
  const eps = Array.from(rng(2, "eps").uniform(n, -9, 0), (power) => 2 ** power);
  for (const [name, [ours, exact]] of Object.entries(NONLINEAR)) {
    const span = name === "relu6" ? 16 : 8;
    // Logits 0, f(h), f(h) + 3 x, f(h) - 3 x for h from -span / 2 to span / 2.
    const lines = [0, 3, -3];
    const classifier: Classifier = {
      classes: 4,
      inputShape: [1, 1, 1],
      logits: ({ parameters }, x) => {
        const pixel = reshape(x, [x.shape[0]!, 1]);
        const f = ours(sub(mul(pixel, span), span / 2));
        return concat([mul(pixel, 0), add(f, matMul(pixel, parameters.c!))], 1);
      },
      weights: { parameters: { c: float32([1, 3], lines) }, buffers: {} },
    };
    const logits = (x: number): number[] => [0, ...lines.map((c) => exact(span * x - span / 2) + c * x)];
    for (const y of [0, 1, 2]) {
      const images = { x: float32([n, 1, 1, 1], x), y: int32([n], new Array(n).fill(y)), eps };
      const question = { ...images, norm: "Linf", batchSize: n } as const;
      const found = await Promise.all(
        [IBP, CROWN_IBP].map((method) => boundMargins(engine, classifier, { ...question, method })),
      );
      for (let row = 0; row < n; row++) {
        const [low, high] = [Math.max(0, x[row]! - eps[row]!), Math.min(1, x[row]! + eps[row]!)];
        const least = [Infinity, Infinity, Infinity, Infinity];
        for (let t = 0; t <= 100; t++) {
          const z = logits(low + (high - low) * t / 100);
          z.forEach((other, k) => least[k] = Math.min(least[k]!, z[y]! - other));
        }
        for (const [i, { data }] of found.entries()) {
          least.forEach((margin, k) => {
            const lower = data[4 * row + k]!;
            assert(k === y || lower <= margin, `${name}, ${i}, ${y} against ${k}: ${lower} is above ${margin}`);
          });
        }
        const other = y === 0 ? 1 : 0;
        if (y < 2) assertAlmostEquals(found[0]!.data[4 * row + other]!, least[other]!, 5e-3, name);
      }
    }
  }
});

Deno.test("no point of networks of convolutions, sums and pools is below a bound", async () => {
  await using engine = await createEngine("reference");
  for (const pooling of ["max", "mean"] as const) {
    for (const nonlinear of ["relu", "relu6", "gelu"]) {
      const exact = randomConvolutions(5, pooling, nonlinear);
      await holds(engine, exact, 5, 250);
    }
  }
});

Deno.test("float64 values of the test networks are the engines', to rounding", async () => {
  await using engine = await createEngine("reference");
  for (
    const exact of [randomMlp([4, 8, 6, 3], 1, "gelu"), randomConvolutions(5, "max"), randomConvolutions(6, "mean")]
  ) {
    const { classifier } = exact;
    const size = classifier.inputShape.reduce((a, b) => a * b);
    const x = rng(8, "x").uniform(size, 0, 1);
    const z = exact.logits(x);
    // At radius 0 bounds are the margins but for rounding.
    for (const method of METHODS) {
      const bounds = await bound(engine, classifier, x, 1, 0, "Linf", method);
      bounds.forEach((lower, k) => {
        if (k !== 1) assertAlmostEquals(lower, z[1]! - z[k]!, 2e-3);
        assert(lower <= z[1]! - z[k]!);
      });
    }
  }
});

Deno.test("whole grids of images of two and three pixels stay above the bounds", async () => {
  await using engine = await createEngine("reference");
  for (let seed = 0; seed < 6; seed++) {
    const pixels = 2 + seed % 2;
    const exact = randomMlp([pixels, 6, 4, 2], 40 + seed, seed % 3 === 0 ? "tanh" : "relu", 2);
    const x = rng(seed, "grid").uniform(pixels, 0.1, 0.9);
    const steps = pixels === 2 ? 80 : 24;
    for (const norm of ["Linf", "L2"] as const) {
      const eps = 0.15;
      const bounds = await Promise.all(
        METHODS.map((method) => bound(engine, exact.classifier, x, 0, eps, norm, method)),
      );
      const most = Math.max(...bounds.map(([, lower]) => lower!));
      for (let cell = 0; cell < (steps + 1) ** pixels; cell++) {
        const d = Array.from(x, (_, i) => (Math.floor(cell / (steps + 1) ** i) % (steps + 1) / steps * 2 - 1) * eps);
        const point = Array.from(x, (pixel, i) => pixel + d[i]!);
        if (norm === "L2" && Math.hypot(...d) > eps || point.some((pixel) => pixel < 0 || pixel > 1)) continue;
        const [own = 0, other = 0] = exact.logits(point);
        assert(own - other >= most, `${norm}: ${own - other} at ${point} is below ${most}`);
      }
    }
  }
});

testOnEngines(
  "bounds of ill-conditioned linear networks are below the exact ones, which float32 alone misses",
  async (engine) => {
    const n = 64;
    const count = 200;
    let missed = 0;
    for (let seed = 0; seed < 4; seed++) {
      const draws = rng(seed, "ill");
      const signs = draws.child("w").normal(n, 0, 1);
      const sizes = draws.child("size").uniform(n, -3, 3);
      const column = Float32Array.from(signs, (sign, i) => sign * 10 ** sizes[i]!);
      const weights = Float32Array.from({ length: 2 * n }, (_, i) => i % 2 === 0 ? column[i / 2]! : 0);
      const classifier: Classifier = {
        classes: 2,
        inputShape: [1, 1, n],
        logits: ({ parameters }, x) => sum(conv2d(x, parameters.w!, 1, 0), [1, 2]),
        weights: { parameters: { w: float32([1, 1, n, 2], weights) }, buffers: {} },
      };
      const x = draws.child("x").uniform(count * n, 0.2, 0.8);
      const eps = 1e-7;
      const y = int32([count]);
      for (const method of METHODS) {
        const images = { x: float32([count, 1, 1, n], x), y };
        const found = await boundMargins(engine, classifier, { ...images, eps, norm: "Linf", method });
        for (let row = 0; row < count; row++) {
          let exact = 0;
          let single = 0;
          column.forEach((w, i) => {
            const pixel = x[row * n + i]!;
            exact += w * pixel - Math.abs(w) * eps;
            single = Math.fround(single + Math.fround(w * Math.fround(pixel - Math.sign(w) * eps)));
          });
          if (single > exact) missed++;
          assert(found.data[2 * row + 1]! <= exact, `${found.data[2 * row + 1]} is above ${exact}`);
        }
      }
    }
    assert(missed > 100, "plain float32 is above the exact bound often");
  },
  ["reference", "onnxruntime", "tensorflow"],
);

Deno.test("batches, partial batches and radii by image change nothing", async () => {
  await using engine = await createEngine("reference");
  const { classifier } = randomMlp([3, 5, 4, 3], 2);
  const x = float32([5, 1, 1, 3], rng(1, "x").uniform(15, 0, 1));
  const y = int32([5], [0, 1, 2, 0, 1]);
  const eps = [0, 0.01, 0.05, 0.1, 0.3];
  const all = await boundMargins(engine, classifier, { x, y, eps, norm: "Linf", method: CROWN_IBP });
  const two = await boundMargins(engine, classifier, { x, y, eps, norm: "Linf", method: CROWN_IBP, batchSize: 2 });
  all.data.forEach((bound, i) => assertAlmostEquals(bound, two.data[i]!, 1e-5));
  for (const [row, radius] of eps.entries()) {
    const own = await bound(
      engine,
      classifier,
      x.data.subarray(3 * row, 3 * row + 3),
      y.data[row]!,
      radius,
      "Linf",
      CROWN_IBP,
    );
    own.forEach((lower, k) => assertAlmostEquals(lower, all.data[3 * row + k]!, 1e-5));
  }
});

Deno.test("where intervals leave the numbers of float32, nothing is known", async () => {
  await using engine = await createEngine("reference");
  const { classifier } = randomMlp([3, 4, 4, 4, 2], 1, "relu", 1e12);
  for (const method of METHODS) {
    const [, lower] = await bound(engine, classifier, [0.5, 0.5, 0.5], 0, 0.1, "Linf", method);
    assertEquals(lower, -Infinity);
  }
});

Deno.test("what cannot be bounded is told in one line", async () => {
  await using engine = await createEngine("reference");
  const { classifier } = randomMlp([3, 5, 2], 2);
  const question = {
    x: float32([1, 1, 1, 3]),
    y: int32([1]),
    eps: 0.1,
    norm: "Linf" as CertifiedNorm,
    method: IBP as BoundSpec,
  };
  const refuses = (change: Partial<typeof question>, given: Partial<Classifier> = {}, on: Partial<Engine> = {}) =>
    boundMargins({ ...engine, ...on }, { ...classifier, ...given }, { ...question, ...change });
  const { logits } = classifier;
  await assertRejects(
    () => refuses({}, { logits: (weights, x) => softmax(logits(weights, x)) }),
    UsageError,
    'Cannot bound the classifier as its operator "Softmax" is not covered: ',
  );
  await assertRejects(
    () => refuses({}, { logits: (weights, x) => sum(logits(weights, x), 0, true) }),
    UsageError,
    'Cannot bound the classifier as its operator "Sum" mixes or moves images of a batch: ',
  );
  await assertRejects(
    () => refuses({}, { noise: () => [] }),
    UsageError,
    "Cannot bound a classifier with random outputs",
  );
  await assertRejects(
    () => refuses({}, {}, { device: "gpu" }),
    UsageError,
    'Cannot certify on "gpu" as it may multiply in fewer bits than float32: use the processor',
  );
  await assertRejects(() => refuses({ eps: -1 }), DataError, "Cannot use the radius -1: write 0 or more");
  await assertRejects(() => refuses({ y: int32([1], [2]) }), DataError, "Cannot use the class 2: the classifier has 2");
  await assertRejects(() => refuses({ norm: "L1" as CertifiedNorm }), UsageError, "Cannot bound margins in the norm");
});
