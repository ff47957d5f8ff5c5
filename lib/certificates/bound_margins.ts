import { DataError, float32, int32, type NdArray, sizeOf, UsageError } from "../core/mod.ts";
import { cachedProgram, type Engine, takeTree, type Tensor } from "../engine/mod.ts";
import type { Classifier, Weights } from "../models/mod.ts";
import { checkImages } from "./_check_images.ts";
import { crownMargins } from "./_crown.ts";
import { float32Above } from "./_rounding.ts";
import { type BoundSpec, type CertifiedNorm, checkBoundSpec } from "./bound_spec.ts";
import { lowerMargins } from "./lower_margins.ts";

/** Images in balls, and how their margins are bounded. */
export interface MarginQuestion {
  /** Centres, pixels in [0,1] [n, H, W, C]. */
  readonly x: NdArray<"float32">;
  /** Classes [n]. */
  readonly y: NdArray<"int32">;
  /** Radius in pixel units: one for all images, or one for each. */
  readonly eps: number | ArrayLike<number>;
  /** Norm of the balls; what lies outside [0,1] does not count. */
  readonly norm: CertifiedNorm;
  /** How. */
  readonly method: BoundSpec;
  /** Images that are bounded at once. @default {16} */
  readonly batchSize?: number;
}

/**
 * Lower bounds of the margins z_y - z_k of a classifier over balls around images: where all but the class's own are
 * above 0, no image in the ball is misclassified.
 *
 * Any classifier is taken whose operators are covered: linear layers, convolutions (strided, padded, in groups), sums,
 * products with and sums of constants (normalisation in evaluation mode), means, reshapes and the like; ReLU and what is
 * made of maximum and minimum with constants, max-pooling, tanh, sigmoid, softplus, GELU. Soft-max, layer normalisation
 * and products of activations are not.
 *
 * The bounds hold for the network in real arithmetic with these float32 weights: what float32 rounding may have done to
 * a bound is computed with it and taken off (`_rounding.ts`). This needs a processor that rounds every operation to
 * nearest and adds up products directly; GPUs, which may multiply in fewer bits, are refused. The same network computed
 * in float32 may differ by its own rounding, so that a margin above 0 by less than that can be negative there. What a
 * classifier makes of its weights alone, such as batch norm's scale and shift, is taken as float32 makes it.
 *
 * @param engine Where it runs.
 * @param classifier Whose margins.
 * @param question Images, radii, norm, method.
 * @returns Bounds [n, classes]; 0 at the class itself.
 * @throws {UsageError} If an operator or the engine's device is not covered, or the method cannot be used.
 * @throws {DataError} If the images do not fit the classifier, or a pixel, class or radius is out of range.
 *
 * Source: Gowal et al. (2018); Zhang et al. (2018, 2020); Xu et al. (2021): see {@linkcode BoundSpec}.
 */
export async function boundMargins(
  engine: Engine,
  classifier: Classifier,
  question: MarginQuestion,
): Promise<NdArray<"float32">> {
  const { x, y, norm, method, batchSize = 16 } = question;
  checkBoundSpec(method);
  checkQuestion(engine, classifier, question);
  const n = y.data.length;
  const { classes } = classifier;
  const size = sizeOf(classifier.inputShape);
  const radii = typeof question.eps === "number" ? new Array<number>(n).fill(question.eps) : Array.from(question.eps);
  const bounds = new Float32Array(n * classes);
  const count = Math.min(batchSize, n);
  for (let from = 0; from < n; from += count) {
    // The last image fills the last batch up, so that every batch has the same shape.
    const rows = Array.from({ length: count }, (_, i) => Math.min(from + i, n - 1));
    const pixels = new Float32Array(count * size);
    rows.forEach((row, i) => pixels.set(x.data.subarray(row * size, (row + 1) * size), i * size));
    const batch = {
      x: float32([count, ...classifier.inputShape], pixels),
      y: int32([count], rows.map((row) => y.data[row]!)),
      eps: float32([count], rows.map((row) => float32Above(radii[row]!))),
    };
    const found = await boundBatch(engine, classifier, batch, norm, method);
    for (let i = 0; i < Math.min(count, n - from); i++) {
      for (let k = 0; k < classes; k++) {
        const bound = found.data[i * classes + k]!;
        // What is no number tells nothing.
        const known = bound > -3e38 ? bound : -Infinity;
        bounds[(from + i) * classes + k] = k === batch.y.data[i] ? 0 : known;
      }
    }
  }
  return float32([n, classes], bounds);
}

interface Batch<T> {
  readonly x: T;
  readonly y: T;
  readonly eps: T;
}

async function boundBatch(
  engine: Engine,
  classifier: Classifier,
  batch: Batch<NdArray>,
  norm: CertifiedNorm,
  method: BoundSpec,
): Promise<NdArray> {
  if (method.kind === "crown") return await crownMargins(engine, classifier, batch, norm, method);
  const { logits, weights, classes } = classifier;
  const program = cachedProgram(engine, logits, `margins by ibp, ${norm}, ${classes}`, () => {
    return ({ weights, x, y, eps }: Batch<Tensor> & { readonly weights: Weights<Tensor> }) =>
      lowerMargins((x) => logits(weights, x), classes, { x, y, eps, norm }, "ibp");
  });
  return await takeTree(engine, await program({ weights, ...batch })) as NdArray;
}

function checkQuestion(
  engine: Engine,
  classifier: Classifier,
  { x, y, eps, norm, batchSize = 16 }: MarginQuestion,
): void {
  if (!engine.device.startsWith("cpu")) {
    throw new UsageError(
      `Cannot certify on "${engine.device}" as it may multiply in fewer bits than float32: use the processor`,
    );
  }
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`Cannot bound ${batchSize} images at once: it needs an integer of 1 or more`);
  }
  checkImages(classifier, { x, y, norm });
  const n = y.data.length;
  const radii = typeof eps === "number" ? [eps] : Array.from(eps);
  if (typeof eps !== "number" && radii.length !== n) {
    throw new DataError(`Cannot use ${radii.length} radii for ${n} images: give one for all or one for each`);
  }
  const bad = radii.find((radius) => !(radius >= 0 && Number.isFinite(radius)));
  if (bad !== undefined) throw new DataError(`Cannot use the radius ${bad}: write 0 or more`);
}
