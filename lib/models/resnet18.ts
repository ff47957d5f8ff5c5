import { basicBlock } from "./_basic_block.ts";
import { checkSpec, isCount, unusable } from "./_check_spec.ts";
import { ACTIVATIONS, convNorm, globalAveragePool, linear, normalFanOut } from "./_layers.ts";
import { plain, sequence } from "./_layers.ts";
import { network } from "./_network.ts";
import type { Network, NetworkShape, NetworkSpec } from "./network_spec.ts";

/** ResNet-18 with the stem for small images. */
export interface Resnet18Spec extends NetworkSpec {
  /** Discriminates the union of model specs. */
  readonly kind: "resnet18";
  /** Channels of the first stage; then 2, 4 and 8 times as many. @default {64} */
  readonly width?: number;
  /** Blocks of each of the four stages. @default {[2, 2, 2, 2]} */
  readonly blocks?: readonly [number, number, number, number];
}

/**
 * Makes a ResNet-18 for small images: a 3x3 convolution of stride 1 and no pooling as stem, four stages of blocks of
 * two 3x3 convolutions, with a 1x1 convolution and batch norm as shortcut where the shape changes (option B), the mean
 * over pixels, a linear layer.
 *
 * Source: He et al., "Deep residual learning for image recognition" (2016), table 1; torchvision's resnet18 for the
 * names of the weights and their first values.
 * Differs: the stem, as is usual for CIFAR; torchvision's is a 7x7 convolution of stride 2 and a max-pooling.
 *
 * @param spec Width, blocks, nonlinearity, normalisation.
 * @param shape Classes and image shape; at least 8x8 pixels.
 * @returns The network; its weights are "conv1.weight", "bn1.weight", ..., "layer2.0.downsample.0.weight", ...,
 * "fc.bias".
 * @throws {UsageError} If the spec or the shape cannot be used.
 */
export function createResnet18(spec: Resnet18Spec, shape: NetworkShape): Network {
  checkSpec(spec, { kind: true, width: true, blocks: true, activation: true, mean: true, std: true }, shape, 8);
  const { width = 64, blocks = [2, 2, 2, 2], activation = "relu" } = spec;
  if (!isCount(width)) throw unusable(spec, "width", "it needs an integer of 1 or more, such as 64");
  if (!Array.isArray(blocks) || blocks.length !== 4 || !blocks.every(isCount)) {
    throw unusable(spec, "blocks", "it needs four integers of 1 or more, such as [2, 2, 2, 2]");
  }
  const activate = plain(ACTIVATIONS[activation]);
  const init = normalFanOut;
  const block = (name: string, inputs: number, outputs: number, stride: number) =>
    basicBlock(
      name,
      { inputs, outputs, stride },
      activate,
      stride === 1 && inputs === outputs ? sequence() : convNorm(`${name}.downsample.0`, `${name}.downsample.1`, {
        inputs,
        outputs,
        size: 1,
        stride,
        init,
      }),
    );
  const stages = blocks.flatMap((count, s) =>
    Array.from({ length: count }, (_, i) => {
      const outputs = width * 2 ** s;
      const isFirst = i === 0;
      const inputs = isFirst && s > 0 ? outputs / 2 : outputs;
      return block(`layer${s + 1}.${i}`, inputs, outputs, isFirst && s > 0 ? 2 : 1);
    })
  );
  return network(
    spec,
    shape,
    convNorm("conv1", "bn1", { inputs: shape.inputShape[2], outputs: width, size: 3, stride: 1, init }),
    activate,
    ...stages,
    globalAveragePool,
    linear("fc", 8 * width, shape.classes),
  );
}
