import type * as TensorFlow from "@tensorflow/tfjs";
import type { Tensor } from "./tensorflow.ts";
import { countWindows, sumWindows, windowElements, type Windows } from "./windows.ts";

/** What a kernel of a grouped convolution is told; how many groups there are is seen from the shapes. */
export interface GroupedConvolutionAttributes {
  /** Pixels between outputs. */
  readonly stride: number;
  /** Zeros on each side. */
  readonly padding: number;
}

type Shape4D = readonly [number, number, number, number];
type Ops = Pick<
  typeof TensorFlow,
  "addN" | "concat" | "engine" | "mul" | "pad" | "reshape" | "slice" | "split" | "sum" | "tile" | "zeros"
>;

const windowsOf = ([height, width]: readonly number[], { stride, padding }: GroupedConvolutionAttributes) => {
  const along = (axis: number, size: number): Windows => ({ axis, size, stride, padding });
  return { rows: along(1, height!), columns: along(2, width!) };
};

/** Shape of the outputs of a grouped convolution. */
export function groupedConvolutionShape(
  [batch, height, width]: readonly number[],
  filter: readonly number[],
  attributes: GroupedConvolutionAttributes,
): [number, number, number, number] {
  const { rows, columns } = windowsOf(filter, attributes);
  return [batch!, countWindows(height!, rows), countWindows(width!, columns), filter[3]!];
}

/** For each tap of the filter, row by row, the pixels that it meets [B, H', W', C]. */
function taps(tf: Ops, x: Tensor, filter: Shape4D, attributes: GroupedConvolutionAttributes): Tensor[] {
  const { rows, columns } = windowsOf(filter, attributes);
  return windowElements(tf, x, rows).flatMap((row) => windowElements(tf, row, columns));
}

/** The adjoint of {@linkcode taps}. */
function sumTaps(
  tf: Ops,
  parts: readonly Tensor[],
  [, height, width]: readonly number[],
  filter: Shape4D,
  attributes: GroupedConvolutionAttributes,
): Tensor {
  const { rows, columns } = windowsOf(filter, attributes);
  const ofRows = Array.from(
    { length: rows.size },
    (_, row) => sumWindows(tf, parts.slice(row * columns.size, (row + 1) * columns.size), width!, columns),
  );
  return sumWindows(tf, ofRows, height!, rows);
}

const isDepthwise = (channels: number, [, , inputs, outputs]: Shape4D) => inputs === 1 && outputs === channels;

/**
 * A convolution in groups of channels, of elementary operators where it is depthwise: a product for each tap. Else the
 * sum over i of the depthwise convolutions of channel i of every group.
 *
 * @param tf TensorFlow.js.
 * @param x Images [B, H, W, g * I].
 * @param w Filters [KH, KW, I, g * O].
 * @param attributes Stride and padding.
 * @returns [B, H', W', g * O].
 */
export function groupedConvolutionOf(
  tf: Ops,
  x: Tensor,
  w: Tensor,
  attributes: GroupedConvolutionAttributes,
): Tensor {
  const filter = w.shape as unknown as Shape4D;
  if (isDepthwise(x.shape[3]!, filter)) {
    return tf.addN(taps(tf, x, filter, attributes).map((tap, t) => tf.mul(tap, tapOf(tf, w, t))));
  }
  return tf.addN(
    filtersOf(tf, w).map((w, i) => run(tf, "forward", { x: channelOfGroups(tf, x, filter, i), w }, attributes)),
  );
}

/** dL/dx of {@linkcode groupedConvolutionOf} from dL/dy and w. */
export function groupedInputGradientOf(
  tf: Ops,
  dy: Tensor,
  w: Tensor,
  { inputShape, ...attributes }: GroupedConvolutionAttributes & { readonly inputShape: readonly number[] },
): Tensor {
  const filter = w.shape as unknown as Shape4D;
  const [height, width, inputs, outputs] = filter;
  const channels = inputShape[3]!;
  if (isDepthwise(channels, filter)) {
    const parts = Array.from({ length: height * width }, (_, t) => tf.mul(dy, tapOf(tf, w, t)));
    return sumTaps(tf, parts, inputShape, filter, attributes);
  }
  const groups = channels / inputs;
  const images = inputShape.slice(0, 3);
  const parts = filtersOf(tf, w).map((w) => {
    const each = run(tf, "inputGradient", { dy, w }, { ...attributes, inputShape: [...images, outputs] });
    return tf.sum(tf.reshape(each, [...images, groups, outputs / groups]), -1, true);
  });
  return tf.reshape(tf.concat(parts, -1), [...inputShape]);
}

/** dL/dw of {@linkcode groupedConvolutionOf} from x and dL/dy. */
export function groupedFilterGradientOf(
  tf: Ops,
  x: Tensor,
  dy: Tensor,
  { filterShape, ...attributes }: GroupedConvolutionAttributes & { readonly filterShape: readonly number[] },
): Tensor {
  const filter = filterShape as unknown as Shape4D;
  const [height, width, inputs, outputs] = filter;
  if (isDepthwise(x.shape[3]!, filter)) {
    const sums = taps(tf, x, filter, attributes).map((tap) =>
      tf.reshape(tf.sum(tf.mul(tap, dy), [0, 1, 2]), [1, outputs])
    );
    return tf.reshape(tf.concat(sums, 0), [...filter]);
  }
  const parts = Array.from({ length: inputs }, (_, i) => {
    const operands = { x: channelOfGroups(tf, x, filter, i), dy };
    return run(tf, "filterGradient", operands, { ...attributes, filterShape: [height, width, 1, outputs] });
  });
  return tf.concat(parts, 2);
}

/** The factors of the channels at a tap of a depthwise filter [C]. */
function tapOf(tf: Ops, w: Tensor, t: number): Tensor {
  const [height, width, , channels] = w.shape as [number, number, number, number];
  return tf.reshape(tf.slice(tf.reshape(w, [height * width, channels]), [t, 0], [1, channels]), [channels]);
}

/** The filter of input channel i of every group [KH, KW, 1, g * O], for each i. */
function filtersOf(tf: Ops, w: Tensor): Tensor[] {
  return w.shape[2] === 1 ? [w] : tf.split(w, w.shape[2]!, 2);
}

/** Channel i of every group, as often as the group has outputs: [B, H, W, g * I] -> [B, H, W, g * O]. */
function channelOfGroups(tf: Ops, x: Tensor, [, , inputs, outputs]: Shape4D, i: number): Tensor {
  const images = x.shape.slice(0, 3);
  const groups = x.shape[3]! / inputs;
  const channel = tf.slice(tf.reshape(x, [...images, groups, inputs]), [0, 0, 0, 0, i], [...images, groups, 1]);
  return tf.reshape(tf.tile(channel, [1, 1, 1, 1, outputs / groups]), [...images, outputs]);
}

/** Names of the kernels. */
const NAMES = {
  forward: "GroupedConv2D",
  inputGradient: "GroupedConv2DBackpropInput",
  filterGradient: "GroupedConv2DBackpropFilter",
} as const;

function run(tf: Ops, kernel: keyof typeof NAMES, inputs: object, attributes: object): Tensor {
  return tf.engine().runKernel(NAMES[kernel], { ...inputs } as TensorFlow.NamedTensorMap, { ...attributes }) as Tensor;
}

/**
 * Registers convolutions in groups of channels with TensorFlow.js as three kernels, with their gradients: y = F(x, w),
 * dx = I(dy, w), dw = W(x, dy). Each is linear in either operand, and its gradients are the other two:
 *
 * - of I, for the gradient u of its result: by dy F(u, w), by w W(u, dy)
 * - of W, for the gradient v of its result: by x I(dy, v), by dy F(x, v)
 *
 * TensorFlow.js has depthwise ones alone, and their gradients have none.
 *
 * @param tf The TensorFlow.js module.
 */
export function registerGroupedConvolution(tf: typeof TensorFlow): void {
  const shared = (attributes: unknown): GroupedConvolutionAttributes => {
    const { stride, padding } = attributes as GroupedConvolutionAttributes;
    return { stride, padding };
  };
  registerGroupedConvolutionKernels(tf, "cpu");
  tf.registerGradient({
    kernelName: NAMES.forward,
    inputsToSave: ["x", "w"],
    gradFunc: (dy, saved, attributes) => {
      const [x, w] = saved as [Tensor, Tensor];
      return {
        x: () => run(tf, "inputGradient", { dy, w }, { ...shared(attributes), inputShape: x.shape }),
        w: () => run(tf, "filterGradient", { x, dy }, { ...shared(attributes), filterShape: w.shape }),
      };
    },
  });
  tf.registerGradient({
    kernelName: NAMES.inputGradient,
    inputsToSave: ["dy", "w"],
    gradFunc: (u, saved, attributes) => {
      const [dy, w] = saved as [Tensor, Tensor];
      return {
        dy: () => run(tf, "forward", { x: u, w }, shared(attributes)),
        w: () => run(tf, "filterGradient", { x: u, dy }, { ...shared(attributes), filterShape: w.shape }),
      };
    },
  });
  tf.registerGradient({
    kernelName: NAMES.filterGradient,
    inputsToSave: ["x", "dy"],
    gradFunc: (v, saved, attributes) => {
      const [x, dy] = saved as [Tensor, Tensor];
      return {
        x: () => run(tf, "inputGradient", { dy, w: v }, { ...shared(attributes), inputShape: x.shape }),
        dy: () => run(tf, "forward", { x, w: v }, shared(attributes)),
      };
    },
  });
}

/**
 * Registers the kernels of grouped convolutions, of elementary operators, for a backend.
 *
 * @param tf The TensorFlow.js module.
 * @param backendName Name of the backend.
 */
export function registerGroupedConvolutionKernels(tf: typeof TensorFlow, backendName: string): void {
  const register = (
    kernelName: string,
    kernel: (inputs: Record<string, Tensor>, attributes: TensorFlow.NamedAttrMap) => Tensor,
  ) =>
    tf.registerKernel({
      kernelName,
      backendName,
      kernelFunc: ({ inputs, attrs }) => tf.tidy(() => kernel(inputs as Record<string, Tensor>, attrs!)),
    });
  type Any = GroupedConvolutionAttributes & { readonly inputShape: number[]; readonly filterShape: number[] };
  const of = (attributes: TensorFlow.NamedAttrMap) => attributes as unknown as Any;
  register(NAMES.forward, ({ x, w }, attributes) => groupedConvolutionOf(tf, x!, w!, of(attributes)));
  register(NAMES.inputGradient, ({ dy, w }, attributes) => groupedInputGradientOf(tf, dy!, w!, of(attributes)));
  register(NAMES.filterGradient, ({ x, dy }, attributes) => groupedFilterGradientOf(tf, x!, dy!, of(attributes)));
}
