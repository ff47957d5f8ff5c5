import { type NdArray, type Rng, scalar, UsageError } from "../core/mod.ts";
import {
  abs,
  add,
  cachedProgram,
  disposeTree,
  type Engine,
  mul,
  type Program,
  putTree,
  sub,
  sum,
  takeTree,
  type Tensor,
  valueAndGrad,
} from "../engine/mod.ts";
import { crossEntropy } from "../losses/mod.ts";
import type { Classifier, Weights } from "../models/mod.ts";
import { type AttackBatch, project, projectImages, steepestStep, unitStarts } from "../attacks/mod.ts";
import type { StepNorm } from "./_ascent.ts";
import { inputGradients } from "./input_gradients.ts";

/** How the ball is searched for the largest error. Plain JSON. */
export interface LocalLinearitySpec {
  /** Norm of the ball. @default {"Linf"} */
  readonly norm?: "Linf" | "L2";
  /** Steps of projected gradient ascent. @default {20} */
  readonly steps?: number;
  /** Length of a step as a share of eps. @default {0.25} */
  readonly relativeStepSize?: number;
  /** Length of a step in pixel units, in place of the share. */
  readonly stepSize?: number;
  /**
   * Uniformly random starts, every second one opposite to the one before; the largest error over all of them counts.
   *
   * @default {2}
   */
  readonly starts?: number;
  /** Leave out the absolute value: the error is signed. @default {false} */
  readonly signed?: boolean;
  /** Which iterate counts: the one of the largest error, or the last. @default {"best"} */
  readonly keep?: "best" | "last";
}

/** The search where nothing else is said: the absolute error, 20 steps of eps/4 from a random point and from the one opposite. */
export const LOCAL_LINEARITY = {
  norm: "Linf",
  steps: 20,
  relativeStepSize: 0.25,
  starts: 2,
  signed: false,
  keep: "best",
} as const satisfies LocalLinearitySpec;

/**
 * The search of the authors' released code: the signed error, one random start, 50 sign steps of 0.1, which is longer
 * than any of its balls, so that the search jumps between corners; the last iterate counts.
 *
 * Source: Shao et al., released code of arXiv 2110.12072 (local linearity measure).
 */
export const RELEASED_LOCAL_LINEARITY: LocalLinearitySpec = {
  norm: "Linf",
  steps: 50,
  stepSize: 0.1,
  starts: 1,
  signed: true,
  keep: "last",
};

/**
 * What the search costs, known beforehand.
 *
 * @param spec How to search.
 * @returns Passes per image at a radius above 0: forward and backward ones.
 */
export function localLinearityPasses(spec: LocalLinearitySpec = {}): number {
  const { steps = LOCAL_LINEARITY.steps, starts = LOCAL_LINEARITY.starts } = spec;
  return 2 + 2 * starts * (steps + 1);
}

/**
 * How far the loss is from linear around each image: max over ||d|| <= eps, x + d in [0,1], of
 * |l(x + d) - l(x) - d . grad l(x)|, l the cross-entropy. Found by projected gradient ascent on that very quantity from
 * random points of the ball and from those opposite to them; what is found is a lower bound of the maximum.
 *
 * Source: Qin et al., "Adversarial robustness through local linearization" (2019), equation 5.
 *
 * @param engine Where it runs.
 * @param classifier Whose loss.
 * @param batch Pixels in [0,1] [B, H, W, C], classes [B], ids [B].
 * @param eps Radius in pixel units, in [0,1].
 * @param rng Stream of the starts, which are keyed by image id below it.
 * @param spec How to search.
 * @returns Errors in nats [B]; 0 at radius 0.
 * @throws {UsageError} If a count is not a positive integer or a step is not longer than 0.
 */
export async function localLinearity(
  engine: Engine,
  classifier: Classifier,
  batch: AttackBatch,
  eps: number,
  rng: Rng,
  spec: LocalLinearitySpec = {},
): Promise<Float32Array> {
  return await search(engine, classifier, batch, eps, rng, spec);
}

/** A local linearity error of each image, and where it was found. */
export interface LinearityPoints {
  /** Errors in nats [B]. */
  readonly errors: Float32Array;
  /** x + d of each error [B, H, W, C]. */
  readonly points: NdArray<"float32">;
}

/**
 * As {@linkcode localLinearity}, with the points at which the errors were found.
 *
 * @param engine Where it runs.
 * @param classifier Whose loss.
 * @param batch Pixels in [0,1] [B, H, W, C], classes [B], ids [B].
 * @param eps Radius in pixel units, in [0,1].
 * @param rng Stream of the starts, which are keyed by image id below it.
 * @param spec How to search.
 * @returns Errors in nats, and the points; at radius 0 the images themselves.
 * @throws {UsageError} If a count is not a positive integer or a step is not longer than 0.
 */
export async function linearityPoints(
  engine: Engine,
  classifier: Classifier,
  batch: AttackBatch,
  eps: number,
  rng: Rng,
  spec: LocalLinearitySpec = {},
): Promise<LinearityPoints> {
  const points = { ...batch.x, data: Float32Array.from(batch.x.data) };
  return { errors: await search(engine, classifier, batch, eps, rng, spec, points), points };
}

/** The errors; their points are written into `points`. */
async function search(
  engine: Engine,
  classifier: Classifier,
  batch: AttackBatch,
  eps: number,
  rng: Rng,
  spec: LocalLinearitySpec,
  points?: NdArray<"float32">,
): Promise<Float32Array> {
  const { norm, steps, starts, relativeStepSize, stepSize = relativeStepSize * eps, signed, keep } = {
    ...LOCAL_LINEARITY,
    ...spec,
  };
  for (const [name, count] of [["steps", steps], ["starts", starts]] as const) {
    if (!Number.isSafeInteger(count) || count < 1) {
      throw new UsageError(`Cannot measure local linearity with ${name} = ${count}: write a positive integer`);
    }
  }
  const found = new Float32Array(batch.ids.length);
  if (eps === 0) return found;
  if (!(stepSize > 0)) {
    throw new UsageError(`Cannot measure local linearity in steps of ${stepSize}: write a length above 0`);
  }
  const { loss, gradient } = await inputGradients(engine, classifier, batch);
  const program = errorProgram(engine, classifier.logits, norm, signed);
  const fixed = putTree(engine, {
    x: batch.x,
    y: batch.y,
    gradient,
    loss: { dtype: "float32", shape: [loss.length], data: loss } as NdArray<"float32">,
  });
  found.fill(-Infinity);
  try {
    for (let start = 0; start < starts; start++) {
      // In pairs on both sides of the image: uphill from one of them lies one maximum of the absolute error at the least.
      const unit = unitStarts(batch.x.shape, norm, batch.ids, rng, Math.floor(start / 2));
      const side = start % 2 === 0 ? eps : -eps;
      const moved = { ...unit, data: unit.data.map((value, i) => batch.x.data[i]! + side * value) };
      let xAdv = engine.put(projectImages(moved, batch.x, norm, eps));
      try {
        for (let step = 0; step <= steps; step++) {
          const outputs = await program({
            weights: classifier.weights,
            ...fixed,
            xAdv,
            eps: scalar(eps),
            stepSize: scalar(stepSize),
          });
          const at = xAdv;
          xAdv = outputs.next;
          try {
            if (keep === "last" && step < steps) {
              outputs.error.dispose();
              continue;
            }
            const { error } = await takeTree(engine, { error: outputs.error });
            const pixels = points && (await engine.read(at)).data;
            const size = batch.x.data.length / found.length;
            error.data.forEach((value, i) => {
              if (!(value <= found[i]!)) points?.data.set(pixels!.subarray(i * size, (i + 1) * size), i * size);
              found[i] = Math.max(found[i]!, value);
            });
          } finally {
            at.dispose();
          }
        }
      } finally {
        xAdv.dispose();
      }
    }
  } finally {
    disposeTree(fixed);
  }
  return found;
}

interface ErrorInputs {
  readonly weights: Weights<Tensor>;
  readonly x: Tensor;
  readonly y: Tensor;
  readonly gradient: Tensor;
  readonly loss: Tensor;
  readonly xAdv: Tensor;
  readonly eps: Tensor;
  readonly stepSize: Tensor;
}

/** The error at an iterate [B], and the next iterate. */
function errorProgram(
  engine: Engine,
  logits: Classifier["logits"],
  norm: StepNorm,
  signed: boolean,
): Program<ErrorInputs, { error: Tensor; next: Tensor }> {
  return cachedProgram(
    engine,
    logits,
    `local linearity ${norm} ${signed}`,
    () => ({ weights, x, y, gradient, loss, xAdv, eps, stepSize }) => {
      const axes = x.shape.slice(1).map((_, axis) => axis + 1);
      const { grad, aux } = valueAndGrad((at: Tensor) => {
        const linear = add(loss, sum(mul(sub(at, x), gradient), axes));
        const difference = sub(crossEntropy(logits(weights, at), y), linear);
        const error = signed ? difference : abs(difference);
        return { value: sum(error), aux: error };
      }, xAdv);
      return { error: aux, next: project(add(xAdv, mul(steepestStep(grad, norm), stepSize)), x, norm, eps) };
    },
  );
}
