import { convNorm, type ConvSettings, type Layer, normalFanOut, residual, sequence } from "./_layers.ts";

/**
 * Two 3x3 convolutions, each with batch norm, beside a shortcut: activate(bn2(conv2(activate(bn1(conv1(x))))) + s(x)).
 *
 * Source: He et al., "Deep residual learning for image recognition" (2016), figure 2.
 *
 * @param name Prefix of the names of its weights.
 * @param channels Channels in and out, stride of the first convolution.
 * @param activate The nonlinearity.
 * @param shortcut The shortcut s.
 */
export function basicBlock(
  name: string,
  { inputs, outputs, stride }: Pick<ConvSettings, "inputs" | "outputs" | "stride">,
  activate: Layer,
  shortcut: Layer,
): Layer {
  const body = sequence(
    convNorm(`${name}.conv1`, `${name}.bn1`, { inputs, outputs, size: 3, stride, init: normalFanOut }),
    activate,
    convNorm(`${name}.conv2`, `${name}.bn2`, { inputs: outputs, outputs, size: 3, stride: 1, init: normalFanOut }),
  );
  return sequence(residual(body, shortcut), activate);
}
