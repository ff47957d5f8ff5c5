import { sizeOf } from "../core/mod.ts";
import { countMacs, type Tensor } from "../engine/mod.ts";
import type { Weights } from "./model.ts";
import type { NetworkShape } from "./network_spec.ts";
import { createModel, type ModelSpec } from "./spec.ts";

/** Size of a network. */
export interface ModelDescription {
  /** Trained numbers; running statistics are none. */
  readonly parameters: number;
  /** Multiply-accumulates of the convolutions and matrix products of one image's forward pass. */
  readonly macs: number;
}

/**
 * Says how large a network is and what a forward pass costs; both exact, and nothing is computed.
 *
 * @param spec Kind and settings.
 * @param shape Number of classes, and shape of one image [height, width, channels].
 * @returns Parameters and multiply-accumulates.
 * @throws {UsageError} If the spec or the shape cannot be used.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { describeModel } from "@kdiga/kdiga";
 *
 * const size = describeModel({ kind: "resnet50", stem: "imagenet" }, { classes: 1000, inputShape: [224, 224, 3] });
 * assertEquals(size, { parameters: 25557032, macs: 4089184256 });
 * ```
 */
export function describeModel(spec: ModelSpec, shape: NetworkShape): ModelDescription {
  const { shapes, logits } = createModel(spec, shape);
  const arrays = (group: Readonly<Record<string, readonly number[]>>) =>
    Object.fromEntries(Object.entries(group).map(([name, shape]) => [name, { dtype: "float32", shape } as const]));
  const macs = countMacs(({ weights, x }: { weights: Weights<Tensor>; x: Tensor }) => logits(weights, x), {
    weights: { parameters: arrays(shapes.parameters), buffers: arrays(shapes.buffers) },
    x: { dtype: "float32", shape: [1, ...shape.inputShape] },
  });
  return { parameters: Object.values(shapes.parameters).reduce((sum, shape) => sum + sizeOf(shape), 0), macs };
}
