import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { type LocalCertificate, localCertificates } from "../../lib/certificates/mod.ts";
import { DataError, float32, int32, rng, UsageError } from "../../lib/core/mod.ts";
import { add, type Engine, matMul, minimum, relu, reshape, type Tensor } from "../../lib/engine/mod.ts";
import type { Classifier, Weights } from "../../lib/models/mod.ts";
import { testOnEngines } from "../testing/engines.ts";
import { randomConvolutions, randomMlp } from "./_networks.ts";

const NORMS = ["Linf", "L2"] as const;

async function certificateAt(
  engine: Engine,
  classifier: Classifier,
  pixels: ArrayLike<number>,
  label: number,
  norm: "Linf" | "L2",
  batchSize?: number,
): Promise<LocalCertificate> {
  const x = float32([1, ...classifier.inputShape], pixels);
  const question = { x, y: int32([1], [label]), norm, ...(batchSize === undefined ? {} : { batchSize }) };
  return (await localCertificates(engine, classifier, question))[0]!;
}

const dense = ({ parameters }: Weights<Tensor>, name: string, x: Tensor): Tensor =>
  add(matMul(x, parameters[`${name}.w`]!), parameters[`${name}.b`]!);

/** t = (x - y, 2 x - y - 1), z = (relu(t_0) + 1, relu(t_1), min(x - y, 0.25)). */
const SMALL: Classifier = {
  classes: 3,
  inputShape: [1, 1, 2],
  logits: (weights, x) => {
    const t = dense(weights, "t", reshape(x, [x.shape[0]!, 2]));
    const capped = minimum(matMul(t, weights.parameters["first"]!), 0.25);
    return add(dense(weights, "z", relu(t)), matMul(capped, weights.parameters["third"]!));
  },
  weights: {
    parameters: {
      "t.w": float32([2, 2], [1, 2, -1, -1]),
      "t.b": float32([2], [0, -1]),
      "z.w": float32([2, 3], [1, 0, 0, 0, 1, 0]),
      "z.b": float32([3], [1, 0, 0]),
      "first": float32([2, 1], [1, 0]),
      "third": float32([1, 3], [0, 0, 1]),
    },
    buffers: {},
  },
};

testOnEngines("localCertificates() has the distances to the lines of a network of two pixels", async (engine) => {
  // At (0.5, 0.4): t = (0.1, -0.4), bends at x = y, 2 x - y = 1 and x - y = 0.25; z = (1.1, 0, 0.1).
  const linf = await certificateAt(engine, SMALL, [0.5, 0.4], 0, "Linf");
  assertAlmostEquals(linf.regionRadius, 0.1 / 2, 1e-6);
  [0, 1.1, 1].forEach((margin, k) => assertAlmostEquals(linf.margins[k]!, margin, 1e-6));
  // m_1 = 1 + x - y of slope 2, m_2 = 1 of slope 0.
  assertAlmostEquals(linf.marginRadius, 1.1 / 2, 1e-6);
  assertEquals(linf.radius, linf.regionRadius);
  const l2 = await certificateAt(engine, SMALL, [0.5, 0.4], 0, "L2");
  assertAlmostEquals(l2.regionRadius, 0.1 / Math.SQRT2, 1e-6);
  assertAlmostEquals(l2.marginRadius, 1.1 / Math.SQRT2, 1e-6);
  // At (0.62, 0.4) the cap at 0.25 is nearest: 0.03 / 2.
  assertAlmostEquals((await certificateAt(engine, SMALL, [0.62, 0.4], 0, "Linf")).regionRadius, 0.03 / 2, 1e-6);
  assertEquals((await certificateAt(engine, SMALL, [0.5, 0.4], 1, "Linf")).radius, 0);
});

testOnEngines("localCertificates() ends where the gradient changes, and not before", async (engine) => {
  const networks = { mlp: randomMlp([6, 12, 12, 3], 1), convolutions: randomConvolutions(2, "mean") };
  for (const [name, { classifier, logits }] of Object.entries(networks)) {
    const size = classifier.inputShape.reduce((a, b) => a * b);
    const pixels = rng(3, name).uniform(size);
    const first = logits(pixels);
    const label = first.indexOf(Math.max(...first));
    for (const norm of NORMS) {
      const { regionRadius: radius, gradients, margins } = await certificateAt(engine, classifier, pixels, label, norm);
      assert(radius > 0 && Number.isFinite(radius), name);
      // How far float64 margins are from the linear function at points of a sphere; 0 inside of the region.
      const errorAt = (share: number, draws: number): number => {
        let largest = 0;
        for (let draw = 0; draw < draws; draw++) {
          const d = directionOf(norm, rng(4, draw).normal(size)).map((value) => value * share * radius);
          const z = logits(pixels.map((pixel, i) => pixel + d[i]!));
          for (let k = 0; k < margins.length; k++) {
            const linear = margins[k]! + d.reduce((sum, value, i) => sum + value * gradients[k * size + i]!, 0);
            largest = Math.max(largest, Math.abs(z[label]! - z[k]! - linear));
          }
        }
        return largest;
      };
      const rounding = 1e-5 * Math.max(...margins.map(Math.abs), 1);
      assert(errorAt(0.999, 300) < rounding, `${name}, ${norm}: not linear inside ${radius}`);
      assert(errorAt(8, 300) > rounding, `${name}, ${norm}: linear far outside of ${radius}`);
    }
  }
}, ["reference"]);

function directionOf(norm: "Linf" | "L2", z: Float32Array): Float64Array {
  const length = norm === "Linf" ? 1 : Math.hypot(...z);
  return Float64Array.from(z, (value) => norm === "Linf" ? Math.sign(value) : value / length);
}

testOnEngines("localCertificates() does not depend on how many units are asked at once", async (engine) => {
  const { classifier } = randomMlp([6, 12, 12, 3], 1);
  const pixels = rng(3).uniform(6);
  const all = await certificateAt(engine, classifier, pixels, 0, "Linf", 64);
  const some = await certificateAt(engine, classifier, pixels, 0, "Linf", 5);
  assertAlmostEquals(some.regionRadius, all.regionRadius, 1e-6 * all.regionRadius);
}, ["reference"]);

testOnEngines(
  "localCertificates() refuses networks that are not piecewise linear, or bend in a max-pool",
  async (engine) => {
    for (
      const [{ classifier }, kernel] of [
        [randomMlp([2, 3, 2], 1, "tanh"), "Tanh"],
        [randomConvolutions(2, "max"), "MaxPool2D"],
      ] as const
    ) {
      const pixels = rng(1).uniform(classifier.inputShape.reduce((a, b) => a * b));
      const error = await assertRejects(() => certificateAt(engine, classifier, pixels, 0, "L2"), UsageError);
      assertEquals(
        error.message,
        `Cannot find the linear region of a classifier with the operator "${kernel}": use one of linear layers, ` +
          "convolutions, normalisation in evaluation mode, average pools and ReLUs",
      );
    }
  },
  ["reference"],
);

testOnEngines("localCertificates() refuses images that do not fit", async (engine) => {
  const refused = async (x: Parameters<typeof float32>, label: number): Promise<string> => {
    const question = { x: float32(...x), y: int32([1], [label]), norm: "Linf" } as const;
    return (await assertRejects(() => localCertificates(engine, SMALL, question), DataError)).message;
  };
  assertEquals(
    await refused([[1, 1, 1, 3], [0, 0, 0]], 0),
    "Cannot bound the margins of images of shape [1,1,1,3] with 1 classes: the classifier takes [1,1,1,2]",
  );
  assertEquals(await refused([[1, 1, 1, 2], [0, 2]], 0), "Cannot use the pixel 2: pixels are in [0, 1]");
  assertEquals(await refused([[1, 1, 1, 2], [0, 1]], 3), "Cannot use the class 3: the classifier has 3");
  await assertRejects(
    () => certificateAt(engine, SMALL, [0, 1], 0, "Linf", 0),
    RangeError,
    "Cannot differentiate 0 units at once",
  );
}, ["reference"]);
