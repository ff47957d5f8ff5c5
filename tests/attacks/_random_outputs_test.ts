import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertLessOrEqual,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import { DataError, float32, int32, rng, UsageError } from "../../lib/core/mod.ts";
import { createEngine, mul, reshape, sub, sum, type Tensor, valueAndGrad } from "../../lib/engine/mod.ts";
import {
  type AttackBatch,
  attackImages,
  attackName,
  attackPasses,
  type AttackSpec,
  fgsm,
  margins,
  runAttack,
  smallestPerturbations,
} from "../../lib/attacks/mod.ts";
import { crossEntropy } from "../../lib/losses/mod.ts";
import { type Classifier, type Weights, withInputNoise, withRandomResize } from "../../lib/models/mod.ts";
import { testOnEngines } from "../testing/engines.ts";
import { counting, distances, linear, mlp, predictedBatch, randomBatch, rowsOf } from "./_classifiers.ts";

/** What every attack must satisfy against a classifier with random outputs. */
const SPECS: readonly AttackSpec[] = [
  { kind: "fgsm", samples: 3 },
  { kind: "pgd", steps: 3 },
  { kind: "pgd", steps: 3, norm: "L2", loss: "dlr", samples: 2, restarts: 2 },
  { kind: "pgd", steps: 3, momentum: 0.9, loss: "targetedDlr", target: "leastLikely", samples: 2 },
  { kind: "pgd", steps: 3, loss: "klToClean", samples: 2 },
  { kind: "apgd", steps: 5, samples: 3 },
  { kind: "apgd", norm: "L2", loss: "dlr", steps: 4 },
  { kind: "apgd", norm: "L1", loss: "targetedDlr", steps: 6, targets: 2, largerReps: true, samples: 2 },
  { kind: "fab", steps: 3, targets: 2 },
  { kind: "ddn", norm: "L2", steps: 4 },
  { kind: "square", queries: 12 },
  { kind: "autoattack", version: [{ kind: "apgd", steps: 3, samples: 2 }, { kind: "square", queries: 5 }] },
];
const ENGINES = ["reference", "onnxruntime", "tensorflow"];
const EPS = { Linf: 0.1, L2: 0.3, L1: 0.8 };

for (const spec of SPECS) {
  const norm = spec.norm ?? "Linf";
  const eps = EPS[norm] * (spec.kind === "fab" || spec.kind === "ddn" ? 3 : 1);
  testOnEngines(`${attackName(spec)} keeps the contract against random outputs`, async (engine) => {
    const counted = counting(engine);
    const classifier = withRandomResize(withInputNoise(mlp(), { sigma: 0.1 }), { smallest: 0.7, draws: 5 });
    const batch = await predictedBatch(engine, mlp(), 7, 5);
    const attack = (batch: AttackBatch) => runAttack(counted.engine, classifier, batch, spec, eps, rng(7));
    const whole = await attack(batch);
    assertEquals(counted.live(), 0, "nothing is left on the engine");

    assertEquals(whole.xAdv.shape, batch.x.shape);
    distances(whole.xAdv, batch.x, norm).forEach((length) => assertLessOrEqual(length, eps + 1e-6));
    assert(whole.xAdv.data.every((pixel) => pixel >= 0 && pixel <= 1));
    assertNotEquals(whole.xAdv.data, batch.x.data);
    const asked = await margins(engine, classifier, { ...batch, x: whole.xAdv });
    assertEquals([...whole.margin], [...asked], "the margin is that of the image, by the judge's draws");
    assertEquals([...whole.success], [...asked].map((margin) => margin < 0 ? 1 : 0));
    const most = attackPasses(spec, 4, classifier);
    assertLessOrEqual(whole.forwardPasses, most.forwardPasses);
    assertLessOrEqual(whole.backwardPasses, most.backwardPasses);
    // An image that stands has taken every pass.
    if (spec.kind !== "autoattack" && whole.success.includes(0)) {
      assertEquals(whole.backwardPasses, most.backwardPasses);
    }

    assertEquals(await attack(batch), whole, "the same seed");
    if (engine.name !== "reference") return;
    const order = [5, 2, 0, 3, 1, 6, 4];
    const permuted = await attack(rowsOf(batch, order));
    for (let row = 0; row < 7; row++) {
      const alone = await attack(rowsOf(batch, [row]));
      for (const [other, at] of [[alone, 0], [permuted, order.indexOf(row)]] as const) {
        assertEquals(other.xAdv.data.slice(at * 12, at * 12 + 12), whole.xAdv.data.slice(row * 12, row * 12 + 12));
        assertEquals([other.margin[at], other.firstStep[at]], [whole.margin[row], whole.firstStep[row]]);
      }
    }
  }, ENGINES);
}

const reference = await createEngine("reference");

Deno.test("the margin of random outputs is that of the mean probabilities over the judge's draws", async () => {
  // z = (x, 0), so that p_0 = 1 / (1 + e^-(x + n)).
  const classifier = withInputNoise(linear([[1, 0]], [0, 0]), { sigma: 2, draws: 6 });
  const pixels = [0.1, 0.9, 0.4];
  const ids = Int32Array.of(4, 9, 4);
  const batch = { x: float32([3, 1, 1, 1], pixels), y: int32([3], [0, 1, 0]), ids };
  const found = await margins(reference, classifier, batch);
  pixels.forEach((x, row) => {
    let p = 0;
    for (let draw = 0; draw < 6; draw++) {
      const [n] = rng(0, "judge", draw, ids[row]!, "pixels").normal(1, 0, 2);
      p += 1 / (1 + Math.exp(-(x + n!))) / 6;
    }
    const margin = Math.log(p) - Math.log(1 - p);
    assertAlmostEquals(found[row]!, row === 1 ? -margin : margin, 2e-6);
  });
});

Deno.test("the margin of random outputs without noise is that of the logits, whatever the draws", async () => {
  const still = (classifier: Classifier): Classifier => ({ ...classifier, noise: () => [], draws: 3 });
  for (const scale of [1, 300]) {
    const network = mlp();
    const scaled = { ...network, logits: (w: Weights<Tensor>, x: Tensor) => mul(network.logits(w, x), scale) };
    const batch = randomBatch(scaled, 9);
    const plain = await margins(reference, scaled, batch);
    const judged = await margins(reference, still(scaled), batch);
    plain.forEach((margin, i) => assertAlmostEquals(judged[i]!, margin, 1e-6 * Math.max(scale, Math.abs(margin))));
  }
});

Deno.test("margins() of random outputs names the image whose logits are not finite", async () => {
  const classifier = withInputNoise(linear([[NaN, 0]], [0, 0]), { sigma: 1, draws: 2 });
  const batch = { x: float32([1, 1, 1, 1]), y: int32([1]), ids: Int32Array.of(40) };
  const message = "Cannot classify image 40 as its margin is NaN: use a classifier with finite weights";
  await assertRejects(() => margins(reference, classifier, batch), DataError, message);
  await assertRejects(
    () => runAttack(reference, classifier, batch, { kind: "apgd", steps: 2 }, 0.1, rng(0)),
    DataError,
    message,
  );
});

Deno.test("noise on the pixels of a linear classifier changes no step of an attack on the margin", async () => {
  // Two classes: the gradient of the margin is the same everywhere, and so is its mean over draws.
  const clear = linear([[1, -0.5], [-2, 0.25], [0.5, 1]], [3, 0]);
  const noisy = withInputNoise(clear, { sigma: 0.5, draws: 8 });
  const batch = { ...randomBatch(clear, 6), y: int32([6]) };
  for (const norm of ["Linf", "L2"] as const) {
    for (const samples of [1, 4]) {
      const spec = { kind: "pgd", steps: 3, norm, loss: "margin", randomStart: false, momentum: 0.5 } as const;
      const { xAdv } = await runAttack(reference, clear, batch, spec, 0.1, rng(2));
      const found = await runAttack(reference, noisy, batch, { ...spec, samples }, 0.1, rng(2));
      // The end of the path, as nothing is nearer to the boundary; unless a lucky draw has shown another step lower.
      const same = (row: number) =>
        [0, 1, 2].every((i) => Math.abs(xAdv.data[3 * row + i]! - found.xAdv.data[3 * row + i]!) < 1e-6);
      if (samples === 4) assert([0, 1, 2, 3, 4, 5].some(same));
      for (let row = 0; row < 6; row++) {
        const way = [0, 1, 2].map((i) => found.xAdv.data[3 * row + i]! - batch.x.data[3 * row + i]!);
        const full = [0, 1, 2].map((i) => xAdv.data[3 * row + i]! - batch.x.data[3 * row + i]!);
        const share = way[1]! / full[1]!;
        // Every iterate lies on the one straight way.
        way.forEach((d, i) => assertAlmostEquals(d, share * full[i]!, 1e-6));
      }
    }
  }
});

testOnEngines("a step follows the mean gradient over its samples, each of its own draw", async (engine) => {
  const clear = mlp();
  const sigma = 0.3;
  const noisy = withInputNoise(clear, { sigma, draws: 64 });
  const batch = await predictedBatch(reference, clear, 8);
  const samples = 5;
  const program = reference.compile(({ weights, x, y }: { weights: Weights<Tensor>; x: Tensor; y: Tensor }) =>
    valueAndGrad((at: Tensor) => ({ value: sum(crossEntropy(clear.logits(weights, at), y)), aux: at }), x).grad
  );
  const mean = new Float64Array(8 * 12);
  for (let sample = 0; sample < samples; sample++) {
    const x = float32(batch.x.shape, batch.x.data.slice());
    batch.ids.forEach((id, row) =>
      rng(7, "draw", id, 0, sample, "pixels").normal(12, 0, sigma).forEach((n, i) => x.data[12 * row + i]! += n)
    );
    const grad = await reference.read(await program({ weights: clear.weights, x, y: batch.y }));
    grad.data.forEach((value, i) => mean[i]! += value / samples);
  }
  const { xAdv } = await runAttack(engine, noisy, batch, { kind: "fgsm", norm: "L2", samples }, 0.2, rng(7));
  let moved = 0;
  for (let row = 0; row < 8; row++) {
    const grad = mean.subarray(12 * row, 12 * row + 12);
    const length = Math.hypot(...grad);
    const way = xAdv.data.slice(12 * row, 12 * row + 12).map((pixel, i) => pixel - batch.x.data[12 * row + i]!);
    if (way.every((d) => d === 0)) continue;
    moved++;
    way.forEach((d, i) => assertAlmostEquals(d, 0.2 * grad[i]! / length, 2e-5));
  }
  assert(moved >= 3, `${moved} images have moved`);
}, ENGINES);

Deno.test("draws of nothing change no step of an attack", async () => {
  // Sums of equal numbers, halved or quartered, are exact: so are the paths. Margins go through logarithms of sums.
  const clear = mlp();
  const still: Classifier = { ...clear, noise: () => [], draws: 2 };
  const batch = await predictedBatch(reference, clear, 12);
  const clean = await margins(reference, still, batch);
  for (
    const [spec, eps] of [
      [{ kind: "apgd", steps: 20 }, 0.05],
      [{ kind: "apgd", steps: 20, norm: "L2", loss: "dlr" }, 0.1],
      [{ kind: "apgd", steps: 20, norm: "L1", loss: "targetedDlr", targets: 2, largerReps: true }, 0.2],
      [{ kind: "pgd", steps: 6, restarts: 2 }, 0.05],
      [{ kind: "pgd", steps: 6, momentum: 0.5, norm: "L2", loss: "klToClean" }, 0.1],
    ] as const
  ) {
    const plain = await runAttack(reference, clear, batch, spec, eps, rng(3));
    assert(plain.success.includes(0));
    for (const samples of [1, 2, 4]) {
      const found = await runAttack(reference, still, batch, { ...spec, samples }, eps, rng(3));
      for (let row = 0; row < 12; row++) {
        // Those that fall are let go at once where nothing is random, and go on else.
        if (plain.success[row] === 1) {
          assertEquals([found.success[row], found.firstStep[row]], [1, plain.firstStep[row]]);
          continue;
        }
        // Away from the clean image is not always away from the label: slots keep the clean image then.
        if (clean[row]! < plain.margin[row]!) {
          assertEquals(found.margin[row], clean[row]);
          continue;
        }
        assertAlmostEquals(found.margin[row]!, plain.margin[row]!, 2e-6);
        const pixels = ({ xAdv }: typeof plain) => Array.from(xAdv.data.slice(12 * row, 12 * row + 12));
        pixels(found).forEach((pixel, i) => assertAlmostEquals(pixel, pixels(plain)[i]!, 1e-6));
      }
    }
  }
});

Deno.test("averaging finds what single draws do not: a loss whose gradient is mostly noise", async () => {
  // z = 5 sum_i (x_i - 0.5)^3, and its negative: by a draw of sigma 0.3, gradients differ more than between the pixels.
  const inputs = 16;
  const clear: Classifier = {
    classes: 2,
    inputShape: [1, 1, inputs],
    logits: ({ parameters }, x) => {
      const flat = reshape(x, [x.shape[0]!, inputs]);
      const cubes = mul(mul(sub(flat, 0.5), sub(flat, 0.5)), sub(flat, 0.5));
      return reshape(sum(mul(reshape(cubes, [x.shape[0]!, inputs, 1]), parameters.w!), 1), [x.shape[0]!, 2]);
    },
    weights: {
      parameters: { w: float32([1, inputs, 2], Array.from({ length: 2 * inputs }, (_, i) => i % 2 ? -5 : 5)) },
      buffers: {},
    },
  };
  const noisy = withInputNoise(clear, { sigma: 0.3, draws: 200 });
  const x = float32([12, 1, 1, inputs], rng(5).uniform(12 * inputs, 0.55, 0.65));
  const batch = { x, y: int32([12]), ids: Int32Array.from({ length: 12 }, (_, i) => i) };
  const run = async (samples: number) => {
    const spec = { kind: "pgd", steps: 5, norm: "L2", samples } as const;
    const { margin } = await runAttack(reference, noisy, batch, spec, 0.5, rng(1));
    return margin.reduce((a, b) => a + b) / 12;
  };
  const [one, many] = [await run(1), await run(30)];
  assert(many < one - 0.05, `${one} ${many}`);
});

Deno.test("images with random outputs keep their slots to the end, and are judged by draws that no attack has seen", async () => {
  const classifier = withInputNoise(mlp(), { sigma: 1, draws: 16 });
  const batch = await predictedBatch(reference, mlp(), 10);
  const judged = await margins(reference, classifier, batch);
  const source = { count: 10, load: (rows: readonly number[]) => rowsOf(batch, rows) };
  let passes = 0;
  let told = 0;
  const spec = { kind: "apgd", steps: 3 } as const;
  for await (const event of attackImages(reference, classifier, source, spec, 0.05, rng(1), 4)) {
    if (event.kind === "passes") {
      passes += event.passes;
      continue;
    }
    told += event.forwardPasses + event.backwardPasses;
    const wrong = judged[event.position]! < 0;
    assertEquals([event.forwardPasses, event.backwardPasses], wrong ? [32, 0] : [4 + 32, 4]);
    if (wrong) assertEquals(event.margin, judged[event.position]);
  }
  assert(judged.some((margin) => margin < 0) && judged.some((margin) => margin >= 0));
  assertEquals(passes, told);
});

Deno.test("what makes no sense with random outputs, or without, is refused", async () => {
  const noisy = withInputNoise(mlp(), { sigma: 0.1 });
  const batch = randomBatch(noisy, 2);
  await assertRejects(
    () => runAttack(reference, mlp(), batch, { kind: "autoattack", version: "rand" }, 0.1, rng(0)),
    UsageError,
    "Cannot average over 20 samples of a classifier without random outputs",
  );
  const source = { count: 2, load: (rows: readonly number[]) => rowsOf(batch, rows) };
  await assertRejects(
    () => smallestPerturbations(reference, noisy, source, { kind: "fab" }, rng(0), 2).next(),
    UsageError,
    "Cannot look for the smallest perturbations of a classifier with random outputs as its boundary moves with every " +
      "draw: attack it at radii, by attackImages() with samples",
  );
  await assertRejects(
    () => fgsm(reference, mlp(), batch, { kind: "fgsm", samples: 2 }, 0.1, rng(0)),
    UsageError,
    "Cannot train on an attack with samples = 2 as a network in training has no random outputs: leave it out",
  );
  const right = rowsOf(await predictedBatch(reference, mlp(), 1), [0]);
  const target = right.y.data[0]!;
  await assertRejects(
    () => runAttack(reference, noisy, right, { kind: "pgd", steps: 1, target }, 0.1, rng(0)),
    UsageError,
    `Cannot attack image 100 towards class ${target} as that is its label`,
  );
  await assertRejects(
    () => runAttack(reference, noisy, right, { kind: "pgd", steps: 1, target: 4 }, 0.1, rng(0)),
    UsageError,
    "Cannot attack towards class 4 where the classifier has classes 0 to 3: write one of them",
  );
});
