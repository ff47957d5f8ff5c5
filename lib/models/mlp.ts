import { checkSpec, isCount, unusable } from "./_check_spec.ts";
import { ACTIVATIONS, flattenImages, linear, plain } from "./_layers.ts";
import { network } from "./_network.ts";
import type { Network, NetworkShape, NetworkSpec } from "./network_spec.ts";

/** Fully connected network on the flattened image; no hidden layer makes it a linear classifier. */
export interface MlpSpec extends NetworkSpec {
  /** Discriminates the union of model specs. */
  readonly kind: "mlp";
  /** Units of each hidden layer: [64, 64], [] for a linear classifier. */
  readonly hidden: readonly number[];
}

/**
 * Makes a fully connected network. Its weights are "fc1.weight", "fc1.bias", "fc2.weight", ...; images are flattened
 * channels first, as `torch.nn.Flatten` does, so that the same weights give the same logits in PyTorch.
 *
 * @param spec Hidden layers, nonlinearity, normalisation.
 * @param shape Classes and image shape.
 * @returns The network.
 * @throws {UsageError} If the spec or the shape cannot be used.
 */
export function createMlp(spec: MlpSpec, shape: NetworkShape): Network {
  checkSpec(spec, { kind: true, hidden: true, activation: true, mean: true, std: true }, shape, 1);
  const { hidden, activation = "relu" } = spec;
  if (!Array.isArray(hidden) || !hidden.every(isCount)) {
    throw unusable(spec, "hidden", "it needs a list of integers of 1 or more, such as [64, 64] or []");
  }
  const [height, width, channels] = shape.inputShape;
  const units = [height * width * channels, ...hidden, shape.classes];
  const layers = units.slice(1).flatMap((outputs, i) => [
    ...(i > 0 ? [plain(ACTIVATIONS[activation])] : []),
    linear(`fc${i + 1}`, units[i]!, outputs),
  ]);
  return network(spec, shape, flattenImages, ...layers);
}
