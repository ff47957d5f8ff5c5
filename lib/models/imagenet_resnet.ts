import { basicBlock } from "./_basic_block.ts";
import { bottleneck } from "./_bottleneck.ts";
import { checkSpec, isCount, unusable } from "./_check_spec.ts";
import { ACTIVATIONS, convNorm, globalAveragePool, linear, maxPool, normalFanOut } from "./_layers.ts";
import { plain, sequence } from "./_layers.ts";
import { network } from "./_network.ts";
import type { Network, NetworkShape, NetworkSpec } from "./network_spec.ts";

/** Names of the residual networks for ImageNet, as torchvision has them. */
export type ImagenetResnetKind = "resnet18" | "resnet34" | "resnet50" | "wide_resnet50_2";

/** ResNet-18, ResNet-34, ResNet-50 or WideResNet-50-2, with the stem for small images or ImageNet's. */
export interface ImagenetResnetSpec<K extends ImagenetResnetKind = ImagenetResnetKind> extends NetworkSpec {
  /** Discriminates the union of model specs. */
  readonly kind: K;
  /**
   * First layers: "cifar", a 3x3 convolution of stride 1; "imagenet", a 7x7 convolution of stride 2 and a 3x3
   * max-pooling of stride 2, as torchvision's weights have it.
   *
   * @default {"cifar"}
   */
  readonly stem?: "cifar" | "imagenet";
  /** Channels of the stem and base of the stages: then 2, 4 and 8 times as many. @default {64} */
  readonly width?: number;
  /** Blocks of each of the four stages. @default {[2, 2, 2, 2] for resnet18, else [3, 4, 6, 3]} */
  readonly blocks?: readonly [number, number, number, number];
}

interface Form {
  readonly blocks: readonly [number, number, number, number];
  /** Channels of the 3x3 convolution of a bottleneck over those of the stage; undefined: basic blocks. */
  readonly inner?: number;
}

const FORMS: { readonly [K in ImagenetResnetKind]: Form } = {
  resnet18: { blocks: [2, 2, 2, 2] },
  resnet34: { blocks: [3, 4, 6, 3] },
  resnet50: { blocks: [3, 4, 6, 3], inner: 1 },
  "wide_resnet50_2": { blocks: [3, 4, 6, 3], inner: 2 },
};

/**
 * Makes a residual network of the forms for ImageNet: a stem, four stages of blocks, with a 1x1 convolution and batch
 * norm as shortcut where the shape changes (option B), the mean over pixels, a linear layer. ResNet-18 and 34 have
 * blocks of two 3x3 convolutions, ResNet-50 and WideResNet-50-2 bottlenecks.
 *
 * Source: He et al., "Deep residual learning for image recognition" (2016), table 1; Zagoruyko and Komodakis, "Wide
 * residual networks" (2016), table 8; torchvision's resnet18, resnet34, resnet50 and wide_resnet50_2 for the names of
 * the weights, their first values, and the place of the stride.
 * Differs: the stem for CIFAR, where it is chosen, as in RobustBench's ResNet.
 *
 * @param spec Stem, width, blocks, nonlinearity, normalisation.
 * @param shape Classes and image shape; at least 8x8 pixels, 32x32 with ImageNet's stem.
 * @returns The network; its weights are "conv1.weight", "bn1.weight", ..., "layer2.0.downsample.0.weight", ...,
 * "fc.bias".
 * @throws {UsageError} If the spec or the shape cannot be used.
 */
export function createImagenetResnet(spec: ImagenetResnetSpec, shape: NetworkShape): Network {
  const fields = {
    kind: true,
    stem: true,
    width: true,
    blocks: true,
    activation: true,
    mean: true,
    std: true,
  } as const;
  const { blocks: defaults, inner } = FORMS[spec.kind];
  const { stem = "cifar", width = 64, blocks = defaults, activation = "relu" } = spec;
  checkSpec(spec, fields, shape, stem === "imagenet" ? 32 : 8);
  if (stem !== "cifar" && stem !== "imagenet") throw unusable(spec, "stem", "use one of cifar, imagenet");
  if (!isCount(width)) throw unusable(spec, "width", "it needs an integer of 1 or more, such as 64");
  if (!Array.isArray(blocks) || blocks.length !== 4 || !blocks.every(isCount)) {
    throw unusable(spec, "blocks", `it needs four integers of 1 or more, such as [${defaults.join(", ")}]`);
  }
  const activate = plain(ACTIVATIONS[activation]);
  const init = normalFanOut;
  const expansion = inner === undefined ? 1 : 4;
  const block = (name: string, inputs: number, base: number, stride: number) => {
    const outputs = base * expansion;
    const projection = { inputs, outputs, size: 1, stride, init };
    const shortcut = stride === 1 && inputs === outputs
      ? sequence()
      : convNorm(`${name}.downsample.0`, `${name}.downsample.1`, projection);
    return inner === undefined
      ? basicBlock(name, { inputs, outputs, stride }, activate, shortcut)
      : bottleneck(name, { inputs, inner: base * inner, outputs, stride }, activate, shortcut);
  };
  const stages = blocks.flatMap((count, s) =>
    Array.from({ length: count }, (_, i) => {
      const base = width * 2 ** s;
      const before = s === 0 ? width : base / 2 * expansion;
      return block(`layer${s + 1}.${i}`, i === 0 ? before : base * expansion, base, i === 0 && s > 0 ? 2 : 1);
    })
  );
  const channels = shape.inputShape[2];
  const first = stem === "imagenet" ? { size: 7, stride: 2 } : { size: 3, stride: 1 };
  return network(
    spec,
    shape,
    convNorm("conv1", "bn1", { inputs: channels, outputs: width, ...first, init }),
    activate,
    ...(stem === "imagenet" ? [maxPool] : []),
    ...stages,
    globalAveragePool,
    linear("fc", 8 * width * expansion, shape.classes),
  );
}
