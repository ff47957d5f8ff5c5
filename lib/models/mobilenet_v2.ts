import type { NdArray } from "../core/mod.ts";
import { checkSpec } from "./_check_spec.ts";
import { bareName } from "./_foreign_names.ts";
import { type MobilenetBlock, mobilenetBlocks } from "./_mobilenet_blocks.ts";
import { ACTIVATIONS, convNorm, filled, globalAveragePool, type Layer, linear, normal } from "./_layers.ts";
import { normalFanOut, plain, residual, sequence } from "./_layers.ts";
import { network } from "./_network.ts";
import type { Network, NetworkShape, NetworkSpec } from "./network_spec.ts";

/** Blocks of one shape: factor of the inner channels, channels, number of blocks, stride of the first. */
export type MobilenetStage = readonly [expansion: number, channels: number, blocks: number, stride: number];

/** MobileNetV2 for ImageNet, as torchvision has it. */
export interface MobilenetV2Spec extends NetworkSpec {
  /** Discriminates the union of model specs. */
  readonly kind: "mobilenet_v2";
  /** Factor of the channels, which are rounded to multiples of 8. @default {1} */
  readonly width?: number;
  /** Stages of blocks: expansion, channels, blocks, stride. @default {the paper's seven} */
  readonly stages?: readonly MobilenetStage[];
}

/** Expansion t, channels c, blocks n and stride s of each stage: the paper's table 2. */
const STAGES: readonly MobilenetStage[] = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
];

/**
 * Makes a MobileNetV2: a 3x3 convolution of stride 2, blocks of a 1x1 convolution that widens, a depthwise 3x3 one and a
 * 1x1 one that narrows, with a shortcut where the shape stays, a 1x1 convolution, the mean over pixels, a linear layer;
 * batch norm after every convolution, ReLU6 after all but the narrowing ones. Without torchvision's dropout before the
 * linear layer, which does nothing in evaluation. Weights under timm's names ("conv_stem.weight",
 * "blocks.0.0.conv_dw.weight", ...) are taken as well.
 *
 * Source: Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks" (2018), table 2; torchvision's
 * mobilenet_v2 for the names of the weights and their first values.
 *
 * @param spec Factor of the channels, stages, nonlinearity, normalisation.
 * @param shape Classes and image shape; at least 8x8 pixels, made for 224x224.
 * @returns The network; its weights are "features.0.0.weight", "features.0.1.weight", ..., "classifier.1.bias".
 * @throws {UsageError} If the spec or the shape cannot be used.
 */
export function createMobilenetV2(spec: MobilenetV2Spec, shape: NetworkShape): Network {
  checkSpec(spec, { kind: true, width: true, stages: true, activation: true, mean: true, std: true }, shape, 8);
  const { width = 1, stages = STAGES, activation = "relu6" } = spec;
  const activate = plain(ACTIVATIONS[activation]);
  const init = normalFanOut;
  const block = ({ inputs, outputs, expansion, stride }: MobilenetBlock, i: number): Layer => {
    const inner = inputs * expansion;
    const part = (k: number) => `features.${i + 1}.conv.${expansion === 1 ? k - 1 : k}`;
    const body = sequence(
      ...(expansion === 1 ? [] : [
        convNorm(`${part(0)}.0`, `${part(0)}.1`, { inputs, outputs: inner, size: 1, stride: 1, init }),
        activate,
      ]),
      convNorm(`${part(1)}.0`, `${part(1)}.1`, { inputs: inner, outputs: inner, size: 3, stride, groups: inner, init }),
      activate,
      convNorm(part(2), part(3), { inputs: inner, outputs, size: 1, stride: 1, init }),
    );
    return stride === 1 && inputs === outputs ? residual(body, sequence()) : body;
  };
  const blocks = mobilenetBlocks(spec, stages, multipleOf8);
  const last = multipleOf8(1280 * Math.max(1, width));
  const end = `features.${blocks.length + 1}`;
  const made = network(
    spec,
    shape,
    convNorm("features.0.0", "features.0.1", {
      inputs: shape.inputShape[2],
      outputs: blocks[0]!.inputs,
      size: 3,
      stride: 2,
      init,
    }),
    activate,
    ...blocks.map(block),
    convNorm(`${end}.0`, `${end}.1`, { inputs: blocks.at(-1)!.outputs, outputs: last, size: 1, stride: 1, init }),
    activate,
    globalAveragePool,
    linear("classifier.1", last, shape.classes, { init: normal(0.01), biasInit: filled(0) }),
  );
  return { ...made, adapt: (tensors) => renamed(tensors, timmNames(stages, end)) };
}

/** Layers of a block in timm, and here. */
const BLOCK = [["conv_pw", "0.0"], ["bn1", "0.1"], ["conv_dw", "1.0"], ["bn2", "1.1"], ["conv_pwl", "2"], ["bn3", "3"]];
/** The same of a block that does not widen. */
const NARROW = [["conv_dw", "0.0"], ["bn1", "0.1"], ["conv_pw", "1"], ["bn2", "2"]];

/** Our name of each layer by timm's, who counts blocks stage by stage. */
function timmNames(stages: readonly MobilenetStage[], end: string): ReadonlyMap<string, string> {
  const blocks = stages.flatMap(([expansion, , count], stage) =>
    Array.from(
      { length: count },
      (_, i) => ({ name: `blocks.${stage}.${i}`, layers: expansion === 1 ? NARROW : BLOCK }),
    )
  );
  return new Map([
    ["conv_stem", "features.0.0"],
    ["bn1", "features.0.1"],
    ...blocks.flatMap(({ name, layers }, i) =>
      layers.map(([theirs, ours]) => [`${name}.${theirs}`, `features.${i + 1}.conv.${ours}`] as const)
    ),
    ["conv_head", `${end}.0`],
    ["bn2", `${end}.1`],
    ["classifier", "classifier.1"],
  ]);
}

/** Arrays whose layers have other names. */
function renamed(
  tensors: Readonly<Record<string, NdArray>>,
  names: ReadonlyMap<string, string>,
): Readonly<Record<string, NdArray>> {
  return Object.fromEntries(
    Object.entries(tensors).map(([key, array]) => {
      const bare = bareName(key);
      const dot = bare.lastIndexOf(".");
      const ours = names.get(bare.slice(0, dot));
      return [ours === undefined ? key : `${ours}${bare.slice(dot)}`, array];
    }),
  );
}

/** The nearest multiple of 8, at least 8, and never below 90 %: torchvision's _make_divisible. */
function multipleOf8(channels: number): number {
  const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}
