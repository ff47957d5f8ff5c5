import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { compareCertificates, localCertificates } from "../../lib/certificates/mod.ts";
import { float32, int32, rng } from "../../lib/core/mod.ts";
import { add, type Engine, matMul, reshape } from "../../lib/engine/mod.ts";
import type { Classifier } from "../../lib/models/mod.ts";
import { testOnEngines } from "../testing/engines.ts";
import { randomMlp } from "./_networks.ts";

/** z = x W + b; W by pixels. */
function linear(w: readonly (readonly number[])[], b: readonly number[]): Classifier {
  return {
    classes: b.length,
    inputShape: [1, 1, w.length],
    logits: ({ parameters }, x) => add(matMul(reshape(x, [x.shape[0]!, -1]), parameters["w"]!), parameters["b"]!),
    weights: { parameters: { w: float32([w.length, b.length], w.flat()), b: float32([b.length], b) }, buffers: {} },
  };
}

async function at(engine: Engine, classifier: Classifier, pixels: ArrayLike<number>, label: number) {
  const x = float32([1, ...classifier.inputShape], pixels);
  return (await localCertificates(engine, classifier, { x, y: int32([1], [label]), norm: "Linf" }))[0]!;
}

/** The input gradient of the cross-entropy of z = x W + b at x: sum_k (p_k - [k = y]) W_k, in float64. */
function crossEntropyGradient(w: readonly (readonly number[])[], z: readonly number[], label: number): number[] {
  const total = z.reduce((sum, value) => sum + Math.exp(value), 0);
  return w.map((row) =>
    row.reduce((sum, value, k) => sum + (Math.exp(z[k]!) / total - (k === label ? 1 : 0)) * value, 0)
  );
}

testOnEngines(
  "equal logits and equal input gradients of the cross-entropy do not make equal certificates",
  async (engine) => {
    // At x = (0.5, 0.5) both have the logits (2, 0, 0), p_1 = p_2; what class 1 gains class 2 loses along the first pixel.
    const teacher = [[1, 0, 0], [0, 0, 0]];
    const student = [[1, 40, -40], [0, 0, 0]];
    const pixels = [0.5, 0.5];
    const z = [2, 0, 0];
    const [own, other] = [crossEntropyGradient(teacher, z, 0), crossEntropyGradient(student, z, 0)];
    own.forEach((value, i) => assertAlmostEquals(value, other[i]!, 1e-14));
    const [t, s] = [
      await at(engine, linear(teacher, [1.5, 0, 0]), pixels, 0),
      await at(engine, linear(student, [1.5, -20, 20]), pixels, 0),
    ];
    assertAlmostEquals(t.radius, 2, 1e-5);
    // m_1 = 2 - 39 d.
    assertAlmostEquals(s.radius, 2 / 41, 1e-5);
    const comparison = compareCertificates(s, t, "Linf");
    assertAlmostEquals(comparison.marginError, 0, 1e-5);
    assertAlmostEquals(comparison.gradientError, 40, 1e-4);
    assertEquals(comparison.regionsReach, true);
    assert(comparison.promised <= s.radius);
  },
  ["reference"],
);

testOnEngines(
  "a student that agrees in all margins and their gradients has its teacher's certificate",
  async (engine) => {
    const teacher = linear([[1, 2], [3, -1]], [0.5, 0]);
    const shifted = linear([[2, 3], [4, 0]], [1, 0.5]); // the same margins
    const [t, s] = [await at(engine, teacher, [0.5, 0.5], 0), await at(engine, shifted, [0.5, 0.5], 0)];
    assertAlmostEquals(t.radius, s.radius, 1e-6);
    const { promised, marginError, gradientError } = compareCertificates(s, t, "Linf");
    assertAlmostEquals(promised, t.radius, 1e-6);
    assertAlmostEquals(marginError + gradientError, 0, 1e-6);
  },
  ["reference"],
);

testOnEngines("no student is certified at less than what its teacher promises", async (engine) => {
  const { classifier: teacher, logits } = randomMlp([5, 8, 8, 3], 1);
  let promises = 0;
  for (let draw = 0; draw < 20; draw++) {
    // The teacher with its weights moved a little.
    const parameters = Object.fromEntries(
      Object.entries(teacher.weights.parameters).map(([name, value]) => {
        const { shape, data } = value as ReturnType<typeof float32>;
        const noise = rng(2, draw, name).normal(data.length, 0, 0.02);
        return [name, float32(shape, data.map((weight, i) => weight + noise[i]!))];
      }),
    );
    const student = { ...teacher, weights: { ...teacher.weights, parameters } };
    const pixels = rng(3, draw).uniform(5);
    const z = logits(pixels);
    const label = z.indexOf(Math.max(...z));
    const [t, s] = [await at(engine, teacher, pixels, label), await at(engine, student, pixels, label)];
    const { promised } = compareCertificates(s, t, "Linf");
    if (promised > 0) promises++;
    assert(s.radius >= promised * (1 - 1e-4), `draw ${draw}: certified at ${s.radius}, promised ${promised}`);
  }
  assert(promises >= 10, `only ${promises} of 20 promise anything`);
}, ["reference"]);

Deno.test("compareCertificates() says whether both linear regions reach the teacher's margin radius", () => {
  const made = (regionRadius: number, marginRadius: number) => ({
    regionRadius,
    marginRadius,
    radius: Math.min(regionRadius, marginRadius),
    margins: Float32Array.of(0, marginRadius),
    gradients: Float32Array.of(0, 1),
  });
  const reach = (student: number, teacher: number) =>
    compareCertificates(made(student, 2), made(teacher, 2), "Linf").regionsReach;
  assertEquals([reach(2, 3), reach(1.9, 3), reach(3, 1.9)], [true, false, false]);
});

Deno.test("compareCertificates() refuses certificates of different images", () => {
  const none = { regionRadius: 1, marginRadius: 1, radius: 1, gradients: new Float32Array(4) };
  assertThrows(
    () =>
      compareCertificates({ ...none, margins: new Float32Array(2) }, { ...none, margins: new Float32Array(4) }, "L2"),
    RangeError,
    "Cannot compare certificates of 2 and 4 classes, 4 and 4 derivatives: give those of the same image",
  );
});
