import { float32 } from "../core/mod.ts";
import type { Tensor } from "../engine/mod.ts";
import { slice } from "../engine/mod.ts";
import type { Context, Draw, Layer } from "./_layers.ts";
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
  const draws = body.draws ?? [];
  const count = draws.reduce((sum, draw) => sum + draw.count, 0);
  const run = (
    weights: Weights<Tensor>,
    x: Tensor,
    mode: Mode,
    updated: Context["updated"],
    noise?: Tensor,
  ): Tensor => {
    if (x.rank !== 4 || x.shape.slice(1).join() !== inputShape.join()) {
      throw new TypeError(
        `Cannot apply the network to a tensor of shape [${x.shape}]: it needs images [batch, ${inputShape.join(", ")}]`,
      );
    }
    return body.apply(x, { weights, mode, updated, noise: noise && partsOf(noise, draws) });
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
    apply(weights, x, mode, noise) {
      if (mode === "eval") return { logits: run(weights, x, mode, undefined), buffers: weights.buffers };
      const buffers: Record<string, Tensor> = {};
      return { logits: run(weights, x, mode, buffers, noise), buffers };
    },
    logits: (weights, x) => run(weights, x, "eval", undefined),
    trainLogits: (weights, x) => run(weights, x, "train", undefined),
    ...(count > 0 && { noise: (rng) => rng.uniform(count) }),
  };
}

/** The numbers of each draw [B, count], which lie one after another. */
function partsOf(noise: Tensor, draws: readonly Draw[]): Readonly<Record<string, Tensor>> {
  let begin = 0;
  return Object.fromEntries(draws.map(({ name, count }) => {
    const part = slice(noise, [0, begin], [noise.shape[0]!, count]);
    begin += count;
    return [name, part];
  }));
}
