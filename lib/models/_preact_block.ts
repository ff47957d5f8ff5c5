import { add } from "../engine/mod.ts";
import { batchNorm, conv, convNorm, type ConvSettings, type Initialiser, type Layer } from "./_layers.ts";

/** What a pre-activation block is. */
interface PreactSettings extends Pick<ConvSettings, "inputs" | "outputs" | "stride"> {
  /** Name of the 1x1 convolution on the way beside, which there is where the shape changes. */
  readonly shortcut: string;
  /** What that convolution sees: the block's input, or what the first nonlinearity makes of it. */
  readonly shortcutOf: "input" | "activation";
  /** First filters; PyTorch's default where omitted. */
  readonly init?: Initialiser;
}

/**
 * Batch norm and nonlinearity before each of two 3x3 convolutions: conv2(activate(bn2(conv1(a)))) + s, a =
 * activate(bn1(x)); s is x, or a 1x1 convolution where the shape changes.
 *
 * Source: He et al., "Identity mappings in deep residual networks" (2016), figure 4 (e).
 *
 * @param name Prefix of the names of its weights.
 * @param settings Channels, stride, shortcut.
 * @param activate The nonlinearity.
 */
export function preactBlock(name: string, settings: PreactSettings, activate: Layer): Layer {
  const { inputs, outputs, stride, shortcut, shortcutOf } = settings;
  const init = settings.init === undefined ? {} : { init: settings.init };
  const norm1 = batchNorm(`${name}.bn1`, inputs);
  const conv1 = convNorm(`${name}.conv1`, `${name}.bn2`, { inputs, outputs, size: 3, stride, ...init });
  const conv2 = conv(`${name}.conv2`, { inputs: outputs, outputs, size: 3, stride: 1, ...init });
  const project = stride === 1 && inputs === outputs
    ? undefined
    : conv(`${name}.${shortcut}`, { inputs, outputs, size: 1, stride, ...init });
  return {
    declares: [norm1, conv1, conv2, ...(project ? [project] : [])].flatMap(({ declares }) => declares),
    apply(x, context) {
      const a = activate.apply(norm1.apply(x, context), context);
      const body = conv2.apply(activate.apply(conv1.apply(a, context), context), context);
      return add(body, project ? project.apply(shortcutOf === "activation" ? a : x, context) : x);
    },
  };
}
