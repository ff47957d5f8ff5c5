import { basicBlock } from "./_basic_block.ts";
import { checkSpec, isCount, unusable } from "./_check_spec.ts";
import { ACTIVATIONS, convNorm, globalAveragePool, linear, normalFanOut, optionAShortcut } from "./_layers.ts";
import { plain } from "./_layers.ts";
import { network } from "./_network.ts";
import type { Network, NetworkShape, NetworkSpec } from "./network_spec.ts";

/** Thin residual network for CIFAR: ResNet-20, 32, 44, 56, 110. */
export interface ResnetSpec extends NetworkSpec {
  /** Discriminates the union of model specs. */
  readonly kind: "resnet";
  /** Layers: 6n + 2. */
  readonly depth: number;
  /** Channels of the first stage, even; then twice and four times as many. @default {16} */
  readonly width?: number;
}

/**
 * Makes a thin residual network: a 3x3 convolution, three stages of n = (depth - 2) / 6 blocks of two 3x3 convolutions,
 * with shortcuts without weights (option A), the mean over pixels, a linear layer.
 *
 * Source: He et al., "Deep residual learning for image recognition" (2016), section 4.2; names of the weights as in the
 * widely used PyTorch code of Y. Idelbayev (akamaster/pytorch_resnet_cifar10).
 * Differs: convolutions begin as torchvision's (normal, fan out), the linear layer as PyTorch's; that code uses fan in.
 *
 * @param spec Depth, width, nonlinearity, normalisation.
 * @param shape Classes and image shape; at least 4x4 pixels.
 * @returns The network; its weights are "conv1.weight", "bn1.weight", ..., "layer1.0.conv1.weight", ..., "linear.bias".
 * @throws {UsageError} If the spec or the shape cannot be used.
 */
export function createResnet(spec: ResnetSpec, shape: NetworkShape): Network {
  checkSpec(spec, { kind: true, depth: true, width: true, activation: true, mean: true, std: true }, shape, 4);
  const { depth, width = 16, activation = "relu" } = spec;
  if (!isCount(depth) || depth < 8 || depth % 6 !== 2) {
    throw unusable(spec, "depth", "it needs 6n + 2, such as 8, 20, 32, 44, 56 or 110");
  }
  if (!isCount(width) || width % 2 !== 0) throw unusable(spec, "width", "it needs an even integer, such as 16");
  const activate = plain(ACTIVATIONS[activation]);
  const init = normalFanOut;
  const block = (name: string, inputs: number, outputs: number, stride: 1 | 2) =>
    basicBlock(name, { inputs, outputs, stride }, activate, optionAShortcut(inputs, outputs, stride));
  const stage = (name: string, inputs: number, outputs: number, stride: 1 | 2) =>
    Array.from(
      { length: (depth - 2) / 6 },
      (_, i) => block(`${name}.${i}`, i === 0 ? inputs : outputs, outputs, i === 0 ? stride : 1),
    );
  return network(
    spec,
    shape,
    convNorm("conv1", "bn1", { inputs: shape.inputShape[2], outputs: width, size: 3, stride: 1, init }),
    activate,
    ...stage("layer1", width, width, 1),
    ...stage("layer2", width, 2 * width, 2),
    ...stage("layer3", 2 * width, 4 * width, 2),
    globalAveragePool,
    linear("linear", 4 * width, shape.classes),
  );
}
