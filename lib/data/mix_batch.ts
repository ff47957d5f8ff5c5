import { float32, type NdArray, type Rng, sampleBeta, UsageError } from "../core/mod.ts";
import type { Batch } from "./dataset.ts";
import { smoothLabels } from "./smooth_labels.ts";

/** How the images of a batch are mixed, and their labels with them. */
export interface MixSpec {
  /** "mixup": both images, one over the other. "cutmix": a rectangle of the other image. */
  readonly kind: "mixup" | "cutmix";
  /** Both shapes of the Beta distribution that lambda is drawn from: small ones mix little, 1 evenly. */
  readonly alpha: number;
}

/** Images and what they are to be taken for. */
export interface MixedBatch {
  /** Ids of the images, of which each is mixed with another one. */
  readonly ids: Int32Array;
  /** Pixels [B, H, W, C]. */
  readonly x: NdArray<"float32">;
  /** Probabilities of the classes [B, C]. */
  readonly y: NdArray<"float32">;
}

/**
 * Mixes a batch with itself in a random order: lambda of each image with 1 - lambda of its partner, labels alike. One
 * lambda ~ Beta(alpha, alpha) for the batch; it may be below 1/2, so that an image may be more its partner than itself,
 * and the most probable class ({@linkcode classesOf}) is then the partner's. An image may be its own partner.
 *
 * "cutmix" takes the partner's pixels in a rectangle of even sides, 2 floor(floor(H sqrt(1 - lambda)) / 2) high and wide alike,
 * around a random pixel, cut off at the border, and sets 1 - lambda to the share of its area.
 *
 * Source: Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: beyond empirical risk minimization" (2018), equation 1; Yun et al.,
 * "CutMix: regularization strategy to train strong classifiers with localizable features" (2019), equations 1 and 2;
 * both as their authors' code does it, with one lambda, and one rectangle, for the batch.
 *
 * @param batch The batch.
 * @param spec How to mix.
 * @param classes Number of classes.
 * @param stream Random numbers of this batch: `rng(seed, "mix", step)`.
 * @returns New pixels and probabilities.
 * @throws {UsageError} If alpha is not positive.
 */
export function mixBatch(batch: Batch, spec: MixSpec, classes: number, stream: Rng): MixedBatch {
  checkMix(spec);
  const { x: { shape, data: from } } = batch;
  const [count = 0, height = 0, width = 0, channels = 0] = shape;
  const drawn = sampleBeta(stream.child("lambda"), spec.alpha, spec.alpha);
  const partners = stream.child("partner").permutation(count);
  const size = height * width * channels;
  const x = from.slice();
  let lambda = drawn;
  if (spec.kind === "mixup") {
    for (let i = 0; i < count; i++) {
      const other = partners[i]! * size;
      for (let k = 0; k < size; k++) x[i * size + k] = lambda * x[i * size + k]! + (1 - lambda) * from[other + k]!;
    }
  } else {
    const { top, bottom, left, right } = rectangle(height, width, drawn, stream.child("rectangle"));
    lambda = 1 - (bottom - top) * (right - left) / (height * width);
    for (let i = 0; i < count; i++) {
      for (let row = top; row < bottom; row++) {
        const [begin, end] = [(row * width + left) * channels, (row * width + right) * channels];
        x.set(from.subarray(partners[i]! * size + begin, partners[i]! * size + end), i * size + begin);
      }
    }
  }
  const hard = smoothLabels(batch.y, classes, 0).data;
  const y = Float32Array.from(hard, (own, at) => {
    const [i, k] = [Math.floor(at / classes), at % classes];
    return lambda * own + (1 - lambda) * hard[partners[i]! * classes + k]!;
  });
  return { ids: batch.ids, x: float32(shape, x), y: float32([count, classes], y) };
}

/**
 * Checks how to mix.
 *
 * @param spec The spec.
 * @throws {UsageError} If alpha is not positive.
 */
export function checkMix({ kind, alpha }: MixSpec): void {
  if (alpha > 0 && alpha < Infinity) return;
  throw new UsageError(`Cannot mix images by "${kind}" with alpha ${alpha}: write a positive number such as 1`);
}

function rectangle(height: number, width: number, lambda: number, stream: Rng) {
  const side = (length: number, axis: string): readonly [number, number] => {
    const half = Math.floor(Math.floor(length * Math.sqrt(1 - lambda)) / 2);
    const centre = stream.child(axis).integers(1, length)[0]!;
    return [Math.max(0, centre - half), Math.min(length, centre + half)];
  };
  const [[top, bottom], [left, right]] = [side(height, "row"), side(width, "column")];
  return { top, bottom, left, right };
}
