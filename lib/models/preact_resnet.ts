import { checkSpec, isCount, unusable } from "./_check_spec.ts";
import { ACTIVATIONS, batchNorm, conv, globalAveragePool, linear, plain } from "./_layers.ts";
import { network } from "./_network.ts";
import { preactBlock } from "./_preact_block.ts";
import type { Network, NetworkShape, NetworkSpec } from "./network_spec.ts";

/** Pre-activation ResNet-18 for small images. */
export interface PreactResnetSpec extends NetworkSpec {
  /** Discriminates the union of model specs. */
  readonly kind: "preact_resnet18";
  /** Channels of the first stage; then 2, 4 and 8 times as many. @default {64} */
  readonly width?: number;
  /** Blocks of each of the four stages. @default {[2, 2, 2, 2]} */
  readonly blocks?: readonly [number, number, number, number];
  /**
   * Whether batch norm and nonlinearity follow the last stage, as in the paper and in Rice et al. (2020); Liu's code and
   * Wong et al. (2020) have none.
   *
   * @default {true}
   */
  readonly finalNorm?: boolean;
  /**
   * What the shortcut's convolutions see: "activation", as in the paper, or "input", as in Wong et al. (2020).
   *
   * @default {"activation"}
   */
  readonly shortcutOf?: "input" | "activation";
}

/**
 * Makes a PreActResNet-18: a 3x3 convolution, four stages of blocks of twice batch norm, nonlinearity and 3x3
 * convolution, batch norm and nonlinearity, the mean over pixels, a linear layer.
 *
 * Source: He et al., "Identity mappings in deep residual networks" (2016); names of the weights and their first values
 * as in Kuang Liu's code (kuangliu/pytorch-cifar), which RobustBench has with the same two choices.
 *
 * @param spec Width, blocks, the two choices, nonlinearity, normalisation.
 * @param shape Classes and image shape; at least 8x8 pixels.
 * @returns The network; its weights are "conv1.weight", "layer1.0.bn1.weight", ..., "layer2.0.shortcut.0.weight", ...,
 * "bn.weight", ..., "linear.bias".
 * @throws {UsageError} If the spec or the shape cannot be used.
 */
export function createPreactResnet(spec: PreactResnetSpec, shape: NetworkShape): Network {
  const fields = { kind: true, width: true, blocks: true, finalNorm: true, shortcutOf: true } as const;
  checkSpec(spec, { ...fields, activation: true, mean: true, std: true }, shape, 8);
  const { width = 64, blocks = [2, 2, 2, 2], finalNorm = true, shortcutOf = "activation" } = spec;
  if (!isCount(width)) throw unusable(spec, "width", "it needs an integer of 1 or more, such as 64");
  if (!Array.isArray(blocks) || blocks.length !== 4 || !blocks.every(isCount)) {
    throw unusable(spec, "blocks", "it needs four integers of 1 or more, such as [2, 2, 2, 2]");
  }
  if (typeof finalNorm !== "boolean") throw unusable(spec, "finalNorm", "it needs true or false");
  if (shortcutOf !== "input" && shortcutOf !== "activation") {
    throw unusable(spec, "shortcutOf", "use one of input, activation");
  }
  const activate = plain(ACTIVATIONS[spec.activation ?? "relu"]);
  const stages = blocks.flatMap((count, s) =>
    Array.from({ length: count }, (_, i) => {
      const outputs = width * 2 ** s;
      const isNarrower = i === 0 && s > 0;
      const channels = { inputs: isNarrower ? outputs / 2 : outputs, outputs, stride: isNarrower ? 2 : 1 };
      return preactBlock(`layer${s + 1}.${i}`, { ...channels, shortcut: "shortcut.0", shortcutOf }, activate);
    })
  );
  return network(
    spec,
    shape,
    conv("conv1", { inputs: shape.inputShape[2], outputs: width, size: 3, stride: 1 }),
    ...stages,
    ...(finalNorm ? [batchNorm("bn", 8 * width), activate] : []),
    globalAveragePool,
    linear("linear", 8 * width, shape.classes),
  );
}
