import { float32, int32, rng } from "../../lib/core/mod.ts";
import { matMul, reshape, sub, tanh, type Tensor } from "../../lib/engine/mod.ts";
import type { AttackBatch, SlotSetting } from "../../lib/attacks/mod.ts";
import type { Classifier, Weights } from "../../lib/models/mod.ts";
import { linear } from "./_classifiers.ts";
import { dot } from "./_shortest_way.ts";

/** Points as images of one row, with ids 0, 1, 2, ... */
export function batchOf(points: readonly (readonly number[])[], labels: readonly number[]): AttackBatch {
  return {
    x: float32([points.length, 1, 1, points[0]!.length], points.flat()),
    y: int32([points.length], labels),
    ids: Int32Array.from(labels.keys()),
  };
}

/** What an attack over slots is made for. */
export function settingOf({ classes, inputShape }: Classifier, eps = 1, seed = 0): SlotSetting {
  return { classes, inputShape, eps, rng: rng(seed) };
}

/** tanh(x A - 1/2) C, three pixels and four classes. */
export const TANH: Classifier = {
  classes: 4,
  inputShape: [1, 1, 3],
  logits: ({ parameters }: Weights<Tensor>, x: Tensor) =>
    matMul(tanh(sub(matMul(reshape(x, [-1, 3]), parameters.a!), 0.5)), parameters.c!),
  weights: {
    parameters: {
      a: float32([3, 3], [2, -1, 0.5, -1.5, 2, 1, 0.5, 1.5, -2]),
      c: float32([3, 4], [1, -1, 0.5, 0.2, -0.5, 1, -1, 0.7, 0.3, 0.4, 1.2, -1.5]),
    },
    buffers: {},
  },
};

/** Points with the classes that {@linkcode TANH} gives. */
export const TANH_BATCH = batchOf([[0.2, 0.7, 0.4], [0.9, 0.1, 0.5], [0.05, 0.95, 0.8], [1, 0, 1]], [1, 3, 3, 3]);

/** Points with the classes that the 2-2-2 network of cleverhans gives. */
export const CLEVERHANS_BATCH = batchOf([[0.2, 0.7], [0.6, 0.3], [0.9, 0.95], [0.05, 0.1]], [0, 1, 0, 1]);

/** A random linear classifier with images that it classifies correctly, some of whose pixels are at the border. */
export function linearCase(classes: number, pixels: number, images = 12) {
  const W = rng(11, "weights", classes, pixels).normal(classes * pixels);
  const bias = rng(12, "bias", classes).normal(classes, 0, 0.5);
  const rows = Array.from({ length: pixels }, (_, i) => Array.from(W.subarray(i * classes, (i + 1) * classes)));
  const points = Array.from(
    { length: images },
    (_, i) => Array.from(rng(13, i).uniform(pixels, -0.3, 1.3), (v) => Math.min(Math.max(v, 0), 1)),
  );
  const logit = (x: readonly number[], k: number) => bias[k]! + dot(x, rows.map((row) => row[k]!));
  const labels = points.map((x) => {
    const z = Array.from({ length: classes }, (_, k) => logit(x, k));
    return z.indexOf(Math.max(...z));
  });
  return {
    classifier: linear(rows, Array.from(bias)),
    batch: batchOf(points, labels),
    /** Hyperplanes at which the class changes from y: f(v) = <w, v> + c. */
    planes: (y: number) =>
      Array.from({ length: classes - 1 }, (_, k) => (y + k + 1) % classes).map((k) => ({
        w: rows.map((row) => row[k]! - row[y]!),
        c: bias[k]! - bias[y]!,
      })),
  };
}

/** Hyperplanes of {@linkcode linearCase}. */
export type Planes = ReturnType<ReturnType<typeof linearCase>["planes"]>;
