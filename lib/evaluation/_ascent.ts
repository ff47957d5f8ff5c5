import {
  abs,
  add,
  cachedProgram,
  type Engine,
  mul,
  type Program,
  sum,
  type Tensor,
  valueAndGrad,
} from "../engine/mod.ts";
import { crossEntropy } from "../losses/mod.ts";
import type { Classifier, Weights } from "../models/mod.ts";
import { type PgdSpec, project, steepestStep } from "../attacks/mod.ts";

/** A norm that gradient steps are made in. */
export type StepNorm = NonNullable<PgdSpec["norm"]>;

/** What a step needs. */
export interface AscentInputs {
  readonly weights: Weights<Tensor>;
  /** Centres [B, H, W, C]. */
  readonly x: Tensor;
  /** Classes [B]. */
  readonly y: Tensor;
  /** Iterate [B, H, W, C]. */
  readonly xAdv: Tensor;
  /** Radius, a scalar. */
  readonly eps: Tensor;
  /** Length of the step, a scalar. */
  readonly stepSize: Tensor;
  /** What a classifier with random outputs has drawn. */
  readonly noise?: readonly Tensor[];
}

/** What a step tells of where it began. */
export interface AscentOutputs {
  /** Cross-entropy of the iterate [B]. */
  readonly loss: Tensor;
  /** Sum of |gradient| over the pixels of the iterate [B]. */
  readonly gradient: Tensor;
  /** The next iterate [B, H, W, C]. */
  readonly next: Tensor;
}

/** Logits of images. */
export function logitsProgram(
  engine: Engine,
  logits: Classifier["logits"],
): Program<{ weights: Weights<Tensor>; x: Tensor; noise?: readonly Tensor[] }, Tensor> {
  return cachedProgram(engine, logits, "logits", () => ({ weights, x, noise }) => logits(weights, x, noise));
}

/** One step of projected gradient ascent on the cross-entropy, with the loss and the size of the gradient. */
export function ascentProgram(
  engine: Engine,
  logits: Classifier["logits"],
  norm: StepNorm,
): Program<AscentInputs, AscentOutputs> {
  return cachedProgram(engine, logits, `ascent ${norm}`, () => ({ weights, x, y, xAdv, eps, stepSize, noise }) => {
    const { grad, aux } = valueAndGrad((at: Tensor) => {
      const loss = crossEntropy(logits(weights, at, noise), y);
      return { value: sum(loss), aux: loss };
    }, xAdv);
    const axes = grad.shape.slice(1).map((_, axis) => axis + 1);
    const next = project(add(xAdv, mul(steepestStep(grad, norm), stepSize)), x, norm, eps);
    return { loss: aux, gradient: sum(abs(grad), axes), next };
  });
}
