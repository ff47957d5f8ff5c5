import { networkSize } from "./_network_size.ts";
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
  return networkSize(createModel(spec, shape));
}
