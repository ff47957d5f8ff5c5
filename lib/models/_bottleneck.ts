import { convNorm, type Layer, normalFanOut, residual, sequence } from "./_layers.ts";

/** Channels in, of the 3x3 convolution, and out; stride of that convolution. */
interface BottleneckSettings {
  readonly inputs: number;
  readonly inner: number;
  readonly outputs: number;
  readonly stride: number;
}

/**
 * A 1x1, a 3x3 and a 1x1 convolution, each with batch norm, beside a shortcut; the 3x3 convolution has the stride.
 *
 * Source: He et al., "Deep residual learning for image recognition" (2016), figure 5; torchvision's Bottleneck.
 * Differs from He et al. in the place of the stride, which theirs has on the first convolution ("ResNet v1.5").
 *
 * @param name Prefix of the names of its weights.
 * @param channels Channels and stride.
 * @param activate The nonlinearity.
 * @param shortcut The shortcut.
 */
export function bottleneck(
  name: string,
  { inputs, inner, outputs, stride }: BottleneckSettings,
  activate: Layer,
  shortcut: Layer,
): Layer {
  const init = normalFanOut;
  const body = sequence(
    convNorm(`${name}.conv1`, `${name}.bn1`, { inputs, outputs: inner, size: 1, stride: 1, init }),
    activate,
    convNorm(`${name}.conv2`, `${name}.bn2`, { inputs: inner, outputs: inner, size: 3, stride, init }),
    activate,
    convNorm(`${name}.conv3`, `${name}.bn3`, { inputs: inner, outputs, size: 1, stride: 1, init }),
  );
  return sequence(residual(body, shortcut), activate);
}
