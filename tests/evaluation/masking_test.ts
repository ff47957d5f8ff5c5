import { assert, assertEquals, assertRejects } from "@std/assert";
import { float32, type MaskingCheck, type MaskingRow, rng, UsageError } from "../../lib/core/mod.ts";
import { type Dataset, loadData } from "../../lib/data/mod.ts";
import {
  add,
  cast,
  concat,
  constant,
  constantOf,
  createEngine,
  div,
  type Engine,
  greater,
  mean,
  mul,
  reshape,
  slice,
  softmax,
  square,
  sub,
  sum,
  type Tensor,
  zerosLike,
} from "../../lib/engine/mod.ts";
import { blackBox } from "../../lib/evaluation/_masking_verdicts.ts";
import { MASKING_CHECKS, type MaskingOptions, maskingReport } from "../../lib/evaluation/mod.ts";
import { type Classifier, createModel, freeze, type Weights, withInputNoise } from "../../lib/models/mod.ts";
import type { ObjectiveSpec } from "../../lib/objectives/mod.ts";
import { train } from "../../lib/training/mod.ts";
import { counting } from "../attacks/_classifiers.ts";
import { ENGINES } from "../testing/engines.ts";

interface Toys {
  readonly engine: Engine;
  readonly robust: Classifier;
  readonly train: (objective: ObjectiveSpec, teacher?: Classifier) => Promise<Classifier>;
  readonly natural: Classifier;
  readonly test: Dataset;
}

let toys: Promise<Toys> | undefined;

/** Two small networks on drawn images, one trained adversarially; trained once, in about four seconds. */
function trained(): Promise<Toys> {
  return toys ??= (async () => {
    const engine = await ENGINES.onnxruntime!();
    const { train: dataset, test } = await loadData({ kind: "shapes", seed: 1, train: 512, test: 64, size: 12 });
    const model = createModel({ kind: "cnn", width: 8 }, { classes: 10, inputShape: [12, 12, 3] });
    const trainedBy: Toys["train"] = async (objective, teacher) => {
      const name = { name: "toy", ...(teacher === undefined ? {} : { teacher }) };
      const setting = { ...name, model, objective, dataset, seed: 1, epochs: 6, batchSize: 32 };
      const optimizer = { kind: "sgd", momentum: 0.9 } as const;
      const schedule = { kind: "oneCycle", peak: 0.1 } as const;
      for await (const event of train(engine, { ...setting, optimizer, schedule })) {
        if (event.kind === "end") return freeze(model, event.weights);
      }
      throw new Error("no end");
    };
    const robust = await trainedBy({ kind: "adversarial", eps: "8/255", steps: 2 });
    return { engine, robust, train: trainedBy, natural: await trainedBy({ kind: "natural" }), test };
  })();
}

async function reportOf(
  engine: Engine,
  options: Omit<MaskingOptions, "method" | "eps" | "seed" | "batchSize"> & { readonly eps?: string },
) {
  const checking = maskingReport(engine, { method: "toy", eps: "8/255", seed: 1, batchSize: 64, ...options });
  let step = await checking.next();
  let done = 0;
  for (; !step.done; step = await checking.next()) {
    assert(step.value.done > done && step.value.total === MASKING_CHECKS.length);
    done = step.value.done;
  }
  assertEquals(done, MASKING_CHECKS.length);
  assertEquals(step.value.rows.map(({ check }) => check), MASKING_CHECKS);
  return step.value;
}

const statusOf = (rows: readonly MaskingRow[], check: MaskingCheck): string =>
  rows.find((row) => row.check === check)!.status;
const failed = (rows: readonly MaskingRow[]): string[] =>
  rows.filter(({ status }) => status === "fail").map(({ check }) => check);

/** The network with its logits or its pixels changed. */
function masked(
  network: Classifier,
  after: (logits: Tensor) => Tensor,
  before: (x: Tensor) => Tensor = (x) => x,
): Classifier {
  return { ...network, logits: (weights, x) => after(network.logits(weights, before(x))) };
}

/** Five levels of every pixel: the gradient of a step function is 0. */
function quantise(x: Tensor): Tensor {
  const step = (x: Tensor): Tensor => {
    const above = [0.125, 0.375, 0.625, 0.875].map((level) => cast(greater(x, level), "float32"));
    return div(above.reduce((a, b) => add(a, b)), 4);
  };
  return constantOf(step, x);
}

Deno.test("maskingReport() passes a healthy adversarially trained network, in every check that it makes", async () => {
  const { engine, robust, natural, test } = await trained();
  const surrogate = { method: "natural", classifier: natural };
  const { rows, n, eps, forwardPasses, backwardPasses } = await reportOf(engine, {
    classifier: robust,
    dataset: test,
    surrogate,
  });
  const others = rows.filter(({ status }) => status !== "pass").map(({ check, status }) => `${check} ${status}`);
  assertEquals(others, [], JSON.stringify(rows));
  assertEquals([n, eps], [64, "8/255"]);
  // For each image about 370 passes forward, 200 of them Square's, and 130 back: less than PGD-20 at eight radii.
  assert(forwardPasses < 64 * 400 && backwardPasses < 64 * 150, `${forwardPasses} ${backwardPasses}`);
  for (const { value, status } of rows) assertEquals(value === null, status === "skipped");
});

Deno.test("maskingReport() grows an L2 ball as well until nothing is left", async () => {
  const { engine, robust, test } = await trained();
  const { rows } = await reportOf(engine, { classifier: robust, dataset: test, norm: "L2", eps: "0.25", n: 24 });
  assertEquals(failed(rows), [], JSON.stringify(rows));
  assertEquals(statusOf(rows, "unbounded"), "pass");
});

Deno.test("maskingReport() fails a network whose softmax saturates: logits times 1e4; the margin still has gradients", async () => {
  const { engine, robust, test } = await trained();
  const sharpened = masked(robust, (z) => mul(z, 1e4));
  // The same network without the trick: what breaks it breaks the other too.
  const surrogate = { method: "unmasked", classifier: robust };
  const { rows } = await reportOf(engine, { classifier: sharpened, dataset: test, surrogate });
  assertEquals(failed(rows).sort(), ["loss-rises", "other-loss", "transfer", "unbounded", "zero-gradients"]);
  const zero = rows.find(({ check }) => check === "zero-gradients")!;
  assert(zero.value! > 0.9, zero.reason);
});

Deno.test("maskingReport() fails a network whose pixels are quantised: no gradient anywhere", async () => {
  const { engine, robust, test } = await trained();
  const quantised = masked(robust, (z) => z, quantise);
  const surrogate = { method: "unmasked", classifier: robust };
  const { rows } = await reportOf(engine, { classifier: quantised, dataset: test, surrogate });
  for (const check of ["zero-gradients", "loss-rises", "unbounded"]) assert(failed(rows).includes(check), check);
  assertEquals(rows.find(({ check }) => check === "zero-gradients")!.value, 1);
  assertEquals(
    rows.find(({ check }) => check === "loss-rises")!.reason,
    "the loss does not move along the path of PGD",
  );
});

Deno.test("maskingReport() finds a KDIGA student of far too large a weight weak, not masked", async () => {
  const { engine, robust, train, test } = await trained();
  // Weights of 10 to 10^4 were tried on drawn images and CIFAR-10: they cost the accuracy, and no attack got past PGD.
  const student = await train({ kind: "kdiga", alpha: 0.5, temperature: 1, weight: 100 }, robust);
  const surrogate = { method: "teacher", classifier: robust };
  const { rows } = await reportOf(engine, { classifier: student, dataset: test, surrogate });
  assertEquals(failed(rows), [], JSON.stringify(rows));
  assertEquals(rows.find(({ check }) => check === "zero-gradients")!.value, 0);
  // Its gradients are far smaller than its teacher's, and still right: PGD finds what there is to be found.
  for (const check of ["loss-rises", "one-step", "other-loss", "unbounded"] as const) {
    assertEquals(statusOf(rows, check), "pass", check);
  }
});

Deno.test("maskingReport() warns of a network that gives all images one class: nothing is hidden, nothing is learned", async () => {
  const { engine, robust, test } = await trained();
  const bias = float32([10], [1e3, ...Array<number>(9).fill(0)]);
  const { rows } = await reportOf(engine, { classifier: masked(robust, (z) => add(z, constant(bias))), dataset: test });
  const { status, value, reason } = rows.find(({ check }) => check === "unbounded")!;
  assertEquals(status, "warn");
  const share = test.labels.filter((label) => label === 0).length / test.labels.length;
  assertEquals(value, share);
  assertEquals(
    reason,
    `an attack in a ball that grows to eps 0.5 leaves ${(100 * share).toFixed(1)} %: ` +
      "the network gives all images one class, no attack changes it",
  );
});

Deno.test("maskingReport() does not fail a network for one image that fell to luck", () => {
  const status = (n: number, images: number) => blackBox(0.5, 0.5 + images / n, "square", n).status;
  assertEquals([status(100, 0), status(100, 1), status(100, 2)], ["pass", "warn", "fail"]);
  // AutoAttack's threshold on its 1,000 images.
  assertEquals([status(1000, 1), status(1000, 3)], ["pass", "fail"]);
});

Deno.test("maskingReport() fails a network whose logits depend on the rest of the batch", async () => {
  const { engine, robust, test } = await trained();
  const social = masked(robust, (z) => add(z, mean(z, 0, true)));
  const { rows } = await reportOf(engine, { classifier: social, dataset: test });
  assertEquals(statusOf(rows, "batch"), "fail");
  assertEquals(statusOf(rows, "random-outputs"), "pass");
});

Deno.test("maskingReport() fails outputs that are probabilities, and warns where classes are few", async () => {
  const { engine, robust, test } = await trained();
  const { rows } = await reportOf(engine, { classifier: masked(robust, (z) => softmax(z)), dataset: test, n: 16 });
  assertEquals(statusOf(rows, "logits"), "fail");
  const three = {
    ...masked(robust, (z) => reshape(slice(z, [0, 0], [z.shape[0]!, 3]), [z.shape[0]!, 3])),
    classes: 3,
  };
  const few = { ...test, labels: test.labels.map((label) => label % 3) };
  const { rows: ofThree } = await reportOf(engine, { classifier: three, dataset: few, n: 16 });
  assertEquals(ofThree.find(({ check }) => check === "classes"), {
    method: "toy",
    check: "classes",
    status: "warn",
    value: 3,
    reason: "with 3 classes the targeted DLR loss is not defined",
  });
});

Deno.test("maskingReport() fails a network whose outputs are random", async () => {
  const { engine, robust, test } = await trained();
  let reads = 0;
  const noisy: Engine = {
    ...engine,
    read: async (value) => {
      const array = await engine.read(value);
      if (array.shape.length !== 2) return array;
      reads++;
      return float32(array.shape, Array.from(array.data, (z, i) => z + 0.01 * Math.sin(1e3 * reads + i)));
    },
  };
  const { rows } = await reportOf(noisy, { classifier: robust, dataset: test, n: 16 });
  assertEquals(statusOf(rows, "random-outputs"), "fail");
  const { reason } = rows.find(({ check }) => check === "random-outputs")!;
  assert(reason.endsWith(": give the network as one that draws, and attack it by autoattack-rand"), reason);
});

/** Class 0 where the pixels are far enough from 0.5: z = (20 (sum_i (x_i - 0.5)^2 - least), 0). */
function farFromGrey(least: number): Classifier {
  return {
    classes: 2,
    inputShape: [8, 8, 1],
    logits: (_weights, x) => {
      const far = square(sub(reshape(x, [x.shape[0]!, 64]), 0.5));
      const z = mul(sub(sum(far, 1, true), least), 20);
      return concat([z, zerosLike(z)], 1);
    },
    weights: { parameters: {}, buffers: {} },
  };
}

Deno.test("maskingReport() warns of noise that hides the gradient, says what averaging finds, and recommends rand", async () => {
  await using engine = await createEngine("reference");
  // Noise of sigma 0.1 turns the sign of a pixel's gradient, 2 (x - 0.5 + n), at four draws of ten: |x - 0.5| is 0.04.
  const draws = rng(1, "images");
  const images = Uint8Array.from(draws.integers(24 * 64, 2), (side, i) => (side ? 138 : 117) + i % 2);
  const dataset: Dataset = {
    name: "grey",
    classes: ["far", "near"],
    imageShape: [8, 8, 1],
    ids: Int32Array.from({ length: 24 }, (_, i) => i),
    images,
    labels: new Int32Array(24),
  };
  const sigma = 0.1;
  const classifier = withInputNoise(farFromGrey(64 * (sigma ** 2 + 0.25 * 0.04 ** 2)), { sigma, draws: 64 });
  const { rows } = await reportOf(engine, { classifier, dataset, eps: "10/255" });
  const { status, value, reason } = rows.find(({ check }) => check === "random-outputs")!;
  assertEquals(status, "warn");
  assert(value! > 1e-4);
  const found = reason.match(
    /^two draws of a batch: logits of length 1 differ by [\d.]+, \d+ classes change; pgd-10 leaves ([\d.]+) %, pgd-10-samples-16 leaves ([\d.]+) %: attack it by autoattack-rand$/,
  );
  assert(found !== null, reason);
  const [one, mean] = found.slice(1).map(Number);
  assert(one! > 80 && mean! < 50, reason);
  assertEquals(statusOf(rows, "batch"), "pass", "the same draw, whoever is in the batch");
  // The same network without noise has nothing to hide.
  const { rows: still } = await reportOf(engine, {
    classifier: farFromGrey(64 * 0.25 * 0.04 ** 2),
    dataset,
    eps: "10/255",
  });
  assertEquals(statusOf(still, "random-outputs"), "pass");
});

Deno.test("maskingReport() fails a black-box attack that is stronger than attacks with gradients", async () => {
  const { engine, robust, test } = await trained();
  const quantised = masked(robust, (z) => z, quantise);
  // One of the caller's choice.
  const blackBox = { kind: "square", queries: 100 } as const;
  const { rows } = await reportOf(engine, { classifier: quantised, dataset: test, blackBox });
  assertEquals(statusOf(rows, "black-box"), "fail");
  assert(
    rows.find(({ check }) => check === "black-box")!.reason.startsWith(
      "square-queries-100, without gradients, leaves ",
    ),
  );
  const { rows: healthy } = await reportOf(engine, { classifier: robust, dataset: test, n: 32, blackBox });
  assertEquals(statusOf(healthy, "black-box"), "pass");
});

Deno.test("maskingReport() skips the attacks where nothing is classified correctly, and refuses radius 0", async () => {
  const { engine, robust, test } = await trained();
  const program = engine.compile(({ weights, x }: { weights: Weights<Tensor>; x: Tensor }) =>
    robust.logits(weights, x)
  );
  const x = float32([64, 12, 12, 3], Float32Array.from(test.images, (byte) => byte / 255));
  const z = await engine.read(await program({ weights: robust.weights, x }));
  const wrong = test.labels.map((_, i) => {
    const row = Array.from(z.data.slice(10 * i, 10 * i + 10));
    return row.indexOf(Math.min(...row));
  });
  const { rows } = await reportOf(engine, { classifier: robust, dataset: { ...test, labels: wrong }, n: 16 });
  assertEquals(rows.filter(({ status }) => status === "skipped").length, 10);
  const refuse = maskingReport(engine, {
    method: "toy",
    classifier: robust,
    dataset: test,
    eps: "0",
    seed: 1,
    batchSize: 8,
  });
  await assertRejects(() => refuse.next(), UsageError, "Cannot check for masked gradients at radius 0");
});

Deno.test("maskingReport() gives back what it put on the engine", async () => {
  const { engine, robust, natural, test } = await trained();
  const { engine: counted, live } = counting(engine);
  await reportOf(counted, { classifier: robust, dataset: test, n: 8, surrogate: { method: "a", classifier: natural } });
  assertEquals(live(), 0);
});

Deno.test({
  name: "the toys' engine ends",
  fn: async () => {
    await (await trained()).engine[Symbol.asyncDispose]();
  },
  sanitizeResources: false,
});
