import { sizeOf } from "../core/mod.ts";
import { countMacs, type Tensor } from "../engine/mod.ts";
import type { ModelDescription } from "./describe_model.ts";
import type { Weights } from "./model.ts";
import type { Network } from "./network_spec.ts";

/** Parameters, and multiply-accumulates of one image's forward pass. */
export function networkSize({ inputShape, shapes, logits }: Network): ModelDescription {
  const arrays = (group: Readonly<Record<string, readonly number[]>>) =>
    Object.fromEntries(Object.entries(group).map(([name, shape]) => [name, { dtype: "float32", shape } as const]));
  const macs = countMacs(({ weights, x }: { weights: Weights<Tensor>; x: Tensor }) => logits(weights, x), {
    weights: { parameters: arrays(shapes.parameters), buffers: arrays(shapes.buffers) },
    x: { dtype: "float32", shape: [1, ...inputShape] },
  });
  return { parameters: Object.values(shapes.parameters).reduce((sum, shape) => sum + sizeOf(shape), 0), macs };
}
