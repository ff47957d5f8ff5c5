import { float32, int32, type NdArray, rng } from "../../lib/core/mod.ts";
import {
  add,
  concat,
  type Engine,
  matMul,
  mul,
  neg,
  reshape,
  sigmoid,
  square,
  sub,
  tanh,
  type Tensor,
  type Value,
  zerosLike,
} from "../../lib/engine/mod.ts";
import type { Classifier, Weights } from "../../lib/models/mod.ts";
import type { AttackBatch, Norm } from "../../lib/attacks/mod.ts";

const flat = (x: Tensor): Tensor => reshape(x, [x.shape[0]!, -1]);
const dense = (weights: Weights<Tensor>, name: string, x: Tensor): Tensor =>
  add(matMul(x, weights.parameters[`${name}.weight`]!), weights.parameters[`${name}.bias`]!);

const linearLogits = (weights: Weights<Tensor>, x: Tensor): Tensor => dense(weights, "fc", flat(x));

/** z = x W + b, x of shape [1, 1, inputs]; W is given by rows, one per input. */
export function linear(rows: readonly (readonly number[])[], bias: readonly number[]): Classifier {
  const classes = bias.length;
  return {
    classes,
    inputShape: [1, 1, rows.length],
    logits: linearLogits,
    weights: {
      parameters: { "fc.weight": float32([rows.length, classes], rows.flat()), "fc.bias": float32([classes], bias) },
      buffers: {},
    },
  };
}

const mlpLogits = (weights: Weights<Tensor>, x: Tensor): Tensor =>
  dense(weights, "fc2", tanh(dense(weights, "fc1", flat(x))));

/** A random network 2x2x3 -> 16 tanh -> classes, with gradients large enough to be attacked at 0.1. */
export function mlp(classes = 4, seed = 5): Classifier {
  const draws = rng(seed, "weights");
  return {
    classes,
    inputShape: [2, 2, 3],
    logits: mlpLogits,
    weights: {
      parameters: {
        "fc1.weight": float32([12, 16], draws.child(1).normal(192, 0, 1)),
        "fc1.bias": float32([16], draws.child(2).normal(16, 0, 0.5)),
        "fc2.weight": float32([16, classes], draws.child(3).normal(16 * classes, 0, 0.7)),
        "fc2.bias": float32([classes]),
      },
      buffers: {},
    },
  };
}

const sigmoidLogits = ({ parameters }: Weights<Tensor>, x: Tensor): Tensor =>
  matMul(sigmoid(matMul(flat(x), parameters.w1!)), parameters.w2!);

/** The 2-2-2 network of the tests of cleverhans 3.1.0 (tests_tf/test_attacks.py, SimpleModel). */
export const CLEVERHANS: Classifier = {
  classes: 2,
  inputShape: [1, 1, 2],
  logits: sigmoidLogits,
  weights: {
    parameters: { w1: float32([2, 2], [1.5, 0.3, -2, 0.3]), w2: float32([2, 2], [-2.4, 1.2, 0.5, -2.3]) },
    buffers: {},
  },
};

/** Margin of {@linkcode CLEVERHANS} at a point, in float64. */
export function cleverhansMargin(a: number, b: number, label: number): number {
  const s = (z: number) => 1 / (1 + Math.exp(-z));
  const [h, g] = [s(1.5 * a - 2 * b), s(0.3 * a + 0.3 * b)];
  const difference = (-2.4 * h + 0.5 * g) - (1.2 * h - 2.3 * g);
  return label === 0 ? difference : -difference;
}

const hillLogits = ({ parameters }: Weights<Tensor>, x: Tensor): Tensor => {
  const height = neg(square(sub(flat(x), parameters.top!)));
  return concat([zerosLike(height), add(mul(height, 100), 1)], 1);
};

/** One pixel, two classes: z = (0, 1 - 100 (x - top)^2); class 1 holds within 0.1 of the top. */
export function hill(top: number): Classifier {
  return {
    classes: 2,
    inputShape: [1, 1, 1],
    logits: hillLogits,
    weights: { parameters: { top: float32([1], [top]) }, buffers: {} },
  };
}

/** Random images for a classifier, away from the border of the box, with random labels and ids 100, 103, 106, ... */
export function randomBatch(classifier: Classifier, count: number, seed = 1): AttackBatch {
  const draws = rng(seed, "images");
  const shape = [count, ...classifier.inputShape];
  const size = shape.reduce((a, b) => a * b);
  return {
    x: float32(shape, draws.child("x").uniform(size, 0.2, 0.8)),
    y: int32([count], draws.child("y").integers(count, classifier.classes)),
    ids: Int32Array.from({ length: count }, (_, i) => 100 + 3 * i),
  };
}

/** Random images with the labels that the classifier gives them, but for every `wrongEvery`-th, which has the next. */
export async function predictedBatch(
  engine: Engine,
  classifier: Classifier,
  count: number,
  wrongEvery = Infinity,
  seed = 1,
): Promise<AttackBatch> {
  const batch = randomBatch(classifier, count, seed);
  const program = engine.compile(({ weights, x }: { weights: Weights<Tensor>; x: Tensor }) =>
    classifier.logits(weights, x)
  );
  const logits = (await engine.read(await program({ weights: classifier.weights, x: batch.x }))).data;
  const y = Array.from({ length: count }, (_, row) => {
    const z = Array.from(logits.subarray(row * classifier.classes, (row + 1) * classifier.classes));
    return (z.indexOf(Math.max(...z)) + (row % wrongEvery === wrongEvery - 1 ? 1 : 0)) % classifier.classes;
  });
  return { ...batch, y: int32([count], y) };
}

/** The images of some rows of a batch. */
export function rowsOf({ x, y, ids }: AttackBatch, rows: readonly number[]): AttackBatch {
  const size = x.data.length / ids.length;
  const data = rows.flatMap((row) => Array.from(x.data.subarray(row * size, (row + 1) * size)));
  return {
    x: float32([rows.length, ...x.shape.slice(1)], data),
    y: int32([rows.length], rows.map((row) => y.data[row]!)),
    ids: Int32Array.from(rows, (row) => ids[row]!),
  };
}

/** Distance of every image from its centre. */
export function distances(xAdv: NdArray, x: NdArray, norm: Norm): number[] {
  const size = x.data.length / x.shape[0]!;
  return Array.from({ length: x.shape[0]! }, (_, row) => {
    const d = Array.from({ length: size }, (_, i) => xAdv.data[row * size + i]! - x.data[row * size + i]!);
    if (norm === "L1") return d.reduce((sum, each) => sum + Math.abs(each), 0);
    return norm === "Linf" ? Math.max(...d.map(Math.abs)) : Math.hypot(...d);
  });
}

/** An engine that counts the values it has handed out and not got back. */
export function counting(engine: Engine): { readonly engine: Engine; readonly live: () => number } {
  let live = 0;
  const count = <T>(node: T): T => {
    if (typeof node !== "object" || node === null) return node;
    if ("dispose" in node && "dtype" in node) {
      live++;
      const value = node as unknown as { dispose(): void };
      const dispose = value.dispose.bind(value);
      let given = false;
      value.dispose = () => {
        if (!given) live--;
        given = true;
        dispose();
      };
    } else Object.values(node).forEach(count);
    return node;
  };
  return {
    live: () => live,
    engine: {
      ...engine,
      put: (array) => count<Value>(engine.put(array)),
      compile: (fn, options) => {
        const program = engine.compile(fn, options);
        const counted = async (inputs: Parameters<typeof program>[0]) => count(await program(inputs));
        return Object.assign(counted, { stats: program.stats, dispose: () => program.dispose() });
      },
    },
  };
}
