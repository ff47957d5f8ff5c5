import { float32 } from "../../lib/core/mod.ts";
import { add, matMul, reshape, type Tensor } from "../../lib/engine/mod.ts";
import type { Classifier, Weights } from "../../lib/models/mod.ts";

const logits = ({ parameters }: Weights<Tensor>, x: Tensor): Tensor =>
  add(matMul(reshape(x, [x.shape[0]!, -1]), parameters["weight"]!), parameters["bias"]!);

/** z = (0, w . x + b): class 1 where w . x + b > 0, at a distance of |w . x + b| / ||w||. */
export function halfSpace(w: readonly number[], b: number): Classifier {
  return {
    classes: 2,
    inputShape: [1, 1, w.length],
    logits,
    weights: {
      parameters: { weight: float32([w.length, 2], w.flatMap((value) => [0, value])), bias: float32([2], [0, b]) },
      buffers: {},
    },
  };
}
