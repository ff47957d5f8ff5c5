import { checkSpec, isCount, unusable } from "./_check_spec.ts";
import { ACTIVATIONS, batchNorm, conv, filled, globalAveragePool, linear, normalFanOut, plain } from "./_layers.ts";
import { network } from "./_network.ts";
import { preactBlock } from "./_preact_block.ts";
import type { Network, NetworkShape, NetworkSpec } from "./network_spec.ts";

/** Wide residual network for CIFAR: WideResNet-28-10, 34-10, 34-20, ... */
export interface WideResnetSpec extends NetworkSpec {
  /** Discriminates the union of model specs. */
  readonly kind: "wide_resnet";
  /** Layers d of WideResNet-d-k: 6n + 4. */
  readonly depth: number;
  /** Factor k of WideResNet-d-k: the stages have k, 2k and 4k times `width` channels. */
  readonly widen: number;
  /** Channels of the first convolution. @default {16} */
  readonly width?: number;
}

/**
 * Makes a WideResNet-d-k: a 3x3 convolution, three stages of n = (d - 4) / 6 pre-activation blocks, batch norm and
 * nonlinearity, the mean over pixels, a linear layer. No dropout.
 *
 * Source: Zagoruyko and Komodakis, "Wide residual networks" (2016), table 1; names of the weights and their first values
 * as in the code of TRADES (yaodongyu/TRADES), which RobustBench has.
 *
 * @param spec Depth, factor, nonlinearity, normalisation.
 * @param shape Classes and image shape; at least 4x4 pixels.
 * @returns The network; its weights are "conv1.weight", "block1.layer.0.bn1.weight", ...,
 * "block1.layer.0.convShortcut.weight", ..., "bn1.weight", ..., "fc.bias".
 * @throws {UsageError} If the spec or the shape cannot be used.
 */
export function createWideResnet(spec: WideResnetSpec, shape: NetworkShape): Network {
  const fields = {
    kind: true,
    depth: true,
    widen: true,
    width: true,
    activation: true,
    mean: true,
    std: true,
  } as const;
  checkSpec(spec, fields, shape, 4);
  const { depth, widen, width = 16, activation = "relu" } = spec;
  if (!isCount(depth) || depth < 10 || depth % 6 !== 4) {
    throw unusable(spec, "depth", "it needs 6n + 4, such as 10, 16, 28, 34 or 70");
  }
  if (!isCount(widen)) throw unusable(spec, "widen", "it needs an integer of 1 or more, such as 10");
  if (!isCount(width)) throw unusable(spec, "width", "it needs an integer of 1 or more, such as 16");
  const activate = plain(ACTIVATIONS[activation]);
  const init = normalFanOut;
  const channels = [width, width * widen, 2 * width * widen, 4 * width * widen];
  const blocks = [1, 2, 3].flatMap((s) =>
    Array.from({ length: (depth - 4) / 6 }, (_, i) => {
      const outputs = channels[s]!;
      const settings = {
        inputs: i === 0 ? channels[s - 1]! : outputs,
        outputs,
        stride: i === 0 && s > 1 ? 2 : 1,
        init,
      };
      const shortcut = { shortcut: "convShortcut", shortcutOf: "activation" } as const;
      return preactBlock(`block${s}.layer.${i}`, { ...settings, ...shortcut }, activate);
    })
  );
  return network(
    spec,
    shape,
    conv("conv1", { inputs: shape.inputShape[2], outputs: width, size: 3, stride: 1, init }),
    ...blocks,
    batchNorm("bn1", channels[3]!),
    activate,
    globalAveragePool,
    linear("fc", channels[3]!, shape.classes, { biasInit: filled(0) }),
  );
}
