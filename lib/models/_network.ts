import { float32 } from "../core/mod.ts";
import type { Tensor } from "../engine/mod.ts";
import type { Context, Layer } from "./_layers.ts";
import { normalise, sequence } from "./_layers.ts";
import type { Mode, Weights } from "./model.ts";
import type { Network, NetworkShape, NetworkSpec } from "./network_spec.ts";

/**
 * Makes a network of its layers, the normalisation before them.
 *
 * @param spec What all kinds share.
 * @param shape What the network is made for.
 * @param layers From normalised images [B, H, W, C] to logits [B, classes].
 */
export function network(
  spec: NetworkSpec,
  { classes, inputShape }: NetworkShape,
  ...layers: readonly Layer[]
): Network {
  const body = sequence(normalise(spec.mean, spec.std), ...layers);
  const run = (weights: Weights<Tensor>, x: Tensor, mode: Mode, updated: Context["updated"]): Tensor => {
    if (x.rank !== 4 || x.shape.slice(1).join() !== inputShape.join()) {
      throw new TypeError(
        `Cannot apply the network to a tensor of shape [${x.shape}]: it needs images [batch, ${inputShape.join(", ")}]`,
      );
    }
    return body.apply(x, { weights, mode, updated });
  };
  const gather = <T>(make: (declaration: Layer["declares"][number]) => T): Weights<T> => {
    const role = (wanted: keyof Weights<T>) =>
      Object.fromEntries(body.declares.filter(({ role }) => role === wanted).map((it) => [it.name, make(it)]));
    return { parameters: role("parameters"), buffers: role("buffers") };
  };
  return {
    classes,
    inputShape,
    shapes: gather(({ shape }) => shape),
    init: (rng) => gather(({ name, shape, init }) => float32(shape, init(rng.child(name), shape))),
    apply(weights, x, mode) {
      if (mode === "eval") return { logits: run(weights, x, mode, undefined), buffers: weights.buffers };
      const buffers: Record<string, Tensor> = {};
      return { logits: run(weights, x, mode, buffers), buffers };
    },
    logits: (weights, x) => run(weights, x, "eval", undefined),
    trainLogits: (weights, x) => run(weights, x, "train", undefined),
  };
}
