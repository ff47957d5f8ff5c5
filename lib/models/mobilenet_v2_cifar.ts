import { checkSpec } from "./_check_spec.ts";
import { ACTIVATIONS, convNorm, globalAveragePool, type Layer, linear, plain, residual, sequence } from "./_layers.ts";
import { type MobilenetBlock, mobilenetBlocks } from "./_mobilenet_blocks.ts";
import type { MobilenetStage } from "./mobilenet_v2.ts";
import { network } from "./_network.ts";
import type { Network, NetworkShape, NetworkSpec } from "./network_spec.ts";

/** MobileNetV2 for images of 32 pixels, as robust distillation uses it. */
export interface MobilenetV2CifarSpec extends NetworkSpec {
  /** Discriminates the union of model specs. */
  readonly kind: "mobilenet_v2_cifar";
  /** Factor of the channels, rounded to integers. @default {1} */
  readonly width?: number;
  /** Stages of blocks: expansion, channels, blocks, stride. @default {the paper's, the second of stride 1} */
  readonly stages?: readonly MobilenetStage[];
}

/** Expansion, channels, blocks and stride of each stage. */
const STAGES: readonly MobilenetStage[] = [
  [1, 16, 1, 1],
  [6, 24, 2, 1],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
];

/**
 * Makes the MobileNetV2 of Kuang Liu's code, the student of ARD, RSLAD and others: stem and second stage of stride 1,
 * ReLU, a widening convolution in the first stage as well, and a 1x1 convolution with batch norm as shortcut where the
 * channels change and the size does not.
 *
 * Source: Kuang Liu, models/mobilenetv2.py of kuangliu/pytorch-cifar, for the form, the names of the weights and their
 * first values; Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks" (2018).
 *
 * @param spec Factor of the channels, stages, nonlinearity, normalisation.
 * @param shape Classes and image shape; at least 8x8 pixels.
 * @returns The network; its weights are "conv1.weight", "bn1.weight", ..., "layers.0.conv1.weight", ..., "linear.bias".
 * @throws {UsageError} If the spec or the shape cannot be used.
 */
export function createMobilenetV2Cifar(spec: MobilenetV2CifarSpec, shape: NetworkShape): Network {
  checkSpec(spec, { kind: true, width: true, stages: true, activation: true, mean: true, std: true }, shape, 8);
  const { width = 1, stages = STAGES, activation = "relu" } = spec;
  const activate = plain(ACTIVATIONS[activation]);
  const scaled = (channels: number) => Math.max(1, Math.round(channels));
  const blocks = mobilenetBlocks(spec, stages, scaled);
  const block = ({ inputs, outputs, expansion, stride }: MobilenetBlock, i: number): Layer => {
    const name = `layers.${i}`;
    const inner = inputs * expansion;
    const body = sequence(
      convNorm(`${name}.conv1`, `${name}.bn1`, { inputs, outputs: inner, size: 1, stride: 1 }),
      activate,
      convNorm(`${name}.conv2`, `${name}.bn2`, { inputs: inner, outputs: inner, size: 3, stride, groups: inner }),
      activate,
      convNorm(`${name}.conv3`, `${name}.bn3`, { inputs: inner, outputs, size: 1, stride: 1 }),
    );
    if (stride !== 1) return body;
    const project = { inputs, outputs, size: 1, stride: 1 };
    const shortcut = inputs === outputs ? sequence() : convNorm(`${name}.shortcut.0`, `${name}.shortcut.1`, project);
    return residual(body, shortcut);
  };
  const last = scaled(1280 * width);
  return network(
    spec,
    shape,
    convNorm("conv1", "bn1", { inputs: shape.inputShape[2], outputs: blocks[0]!.inputs, size: 3, stride: 1 }),
    activate,
    ...blocks.map(block),
    convNorm("conv2", "bn2", { inputs: blocks.at(-1)!.outputs, outputs: last, size: 1, stride: 1 }),
    activate,
    globalAveragePool,
    linear("linear", last, shape.classes),
  );
}
