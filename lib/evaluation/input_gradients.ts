import type { NdArray } from "../core/mod.ts";
import { cachedProgram, type Engine, type Program, sum, takeTree, type Tensor, valueAndGrad } from "../engine/mod.ts";
import { crossEntropy } from "../losses/mod.ts";
import type { Classifier, Weights } from "../models/mod.ts";
import type { AttackBatch } from "../attacks/mod.ts";

/** Cross-entropy of images and its gradient with respect to the pixels. */
export interface InputGradients {
  /** Cross-entropy [B]. */
  readonly loss: Float32Array;
  /** d loss_i / d x_i, [B, H, W, C]. */
  readonly gradient: NdArray<"float32">;
}

/**
 * Cross-entropy of each image and its input gradient.
 *
 * @param engine Where it runs.
 * @param classifier Whose loss.
 * @param batch Pixels in [0,1] [B, H, W, C], classes [B].
 * @returns Losses and gradients, each image's own.
 */
export async function inputGradients(
  engine: Engine,
  classifier: Classifier,
  { x, y }: Pick<AttackBatch, "x" | "y">,
): Promise<InputGradients> {
  const outputs = await gradientProgram(engine, classifier.logits)({ weights: classifier.weights, x, y });
  const { loss, gradient } = await takeTree(engine, outputs);
  return { loss: loss.data as Float32Array, gradient: gradient as NdArray<"float32"> };
}

function gradientProgram(
  engine: Engine,
  logits: Classifier["logits"],
): Program<{ weights: Weights<Tensor>; x: Tensor; y: Tensor }, { loss: Tensor; gradient: Tensor }> {
  return cachedProgram(engine, logits, "loss and input gradient", () => ({ weights, x, y }) => {
    const { grad, aux } = valueAndGrad((at: Tensor) => {
      const loss = crossEntropy(logits(weights, at), y);
      return { value: sum(loss), aux: loss };
    }, x);
    return { loss: aux, gradient: grad };
  });
}
