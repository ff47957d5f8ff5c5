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
  "add" | "addN" | "concat" | "matMul" | "mul" | "pad" | "reshape" | "slice" | "split" | "sum" | "transpose" | "zeros"
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

/** Images [B, H, W, g * n] -> [g, B * H * W, n]; filters [KH, KW, I, g * n] -> [g, KH * KW * I, n]. */
function byGroup(tf: Ops, x: Tensor, groups: number): Tensor {
  const channels = x.shape.at(-1)!;
  const rows = x.size / channels;
  return tf.transpose(tf.reshape(x, [rows, groups, channels / groups]), [1, 0, 2]);
}

/** The inverse of {@linkcode byGroup}. */
function fromGroups(tf: Ops, x: Tensor, shape: Shape4D): Tensor {
  return tf.reshape(tf.transpose(x, [1, 0, 2]), [...shape]);
}

/** Pixels under the filter, tap after tap [g, B * H' * W', taps * I]. */
function patches(tf: Ops, x: Tensor, filter: Shape4D, groups: number, attributes: GroupedConvolutionAttributes) {
  return tf.concat(taps(tf, x, filter, attributes).map((tap) => byGroup(tf, tap, groups)), 2);
}

/**
 * A convolution in groups of channels, of elementary operators: a product per tap where it is depthwise, and else one
 * matrix product per group.
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
  const channels = x.shape[3]!;
  if (isDepthwise(channels, filter)) {
    return tf.addN(taps(tf, x, filter, attributes).map((tap, t) => tf.mul(tap, tapOf(tf, w, t))));
  }
  const groups = channels / filter[2];
  const product = tf.matMul(patches(tf, x, filter, groups, attributes), byGroup(tf, w, groups));
  return fromGroups(tf, product, groupedConvolutionShape(x.shape, filter, attributes));
}

/** dL/dx of {@linkcode groupedConvolutionOf} from dL/dy and w. */
export function groupedInputGradientOf(
  tf: Ops,
  dy: Tensor,
  w: Tensor,
  { inputShape, ...attributes }: GroupedConvolutionAttributes & { readonly inputShape: readonly number[] },
): Tensor {
  const filter = w.shape as unknown as Shape4D;
  const [height, width, inputs] = filter;
  const count = height * width;
  const channels = inputShape[3]!;
  if (isDepthwise(channels, filter)) {
    const parts = Array.from({ length: count }, (_, t) => tf.mul(dy, tapOf(tf, w, t)));
    return sumTaps(tf, parts, inputShape, filter, attributes);
  }
  const groups = channels / inputs;
  const product = tf.matMul(byGroup(tf, dy, groups), byGroup(tf, w, groups), false, true);
  const outputs = groupedConvolutionShape(inputShape, filter, attributes);
  const whole = [outputs[0], outputs[1], outputs[2], channels] as const;
  const parts = tf.split(product, count, 2).map((part) => fromGroups(tf, part, whole));
  return sumTaps(tf, parts, inputShape, filter, attributes);
}

/** dL/dw of {@linkcode groupedConvolutionOf} from x and dL/dy. */
export function groupedFilterGradientOf(
  tf: Ops,
  x: Tensor,
  dy: Tensor,
  { filterShape, ...attributes }: GroupedConvolutionAttributes & { readonly filterShape: readonly number[] },
): Tensor {
  const filter = filterShape as unknown as Shape4D;
  const channels = x.shape[3]!;
  if (isDepthwise(channels, filter)) {
    const sums = taps(tf, x, filter, attributes).map((tap) =>
      tf.reshape(tf.sum(tf.mul(tap, dy), [0, 1, 2]), [1, channels])
    );
    return tf.reshape(tf.concat(sums, 0), [...filter]);
  }
  const groups = channels / filter[2];
  const product = tf.matMul(patches(tf, x, filter, groups, attributes), byGroup(tf, dy, groups), true, false);
  return fromGroups(tf, product, filter);
}

/** The factors of the channels at a tap of a depthwise filter [C]. */
function tapOf(tf: Ops, w: Tensor, t: number): Tensor {
  const [height, width, , channels] = w.shape as [number, number, number, number];
  return tf.reshape(tf.slice(tf.reshape(w, [height * width, channels]), [t, 0], [1, channels]), [channels]);
}

/** Names of the kernels. */
const NAMES = {
  forward: "GroupedConv2D",
  inputGradient: "GroupedConv2DBackpropInput",
  filterGradient: "GroupedConv2DBackpropFilter",
} as const;

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
  const run = (kernel: keyof typeof NAMES, inputs: object, attributes: object): Tensor =>
    tf.engine().runKernel(NAMES[kernel], { ...inputs } as TensorFlow.NamedTensorMap, { ...attributes }) as Tensor;
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
        x: () => run("inputGradient", { dy, w }, { ...shared(attributes), inputShape: x.shape }),
        w: () => run("filterGradient", { x, dy }, { ...shared(attributes), filterShape: w.shape }),
      };
    },
  });
  tf.registerGradient({
    kernelName: NAMES.inputGradient,
    inputsToSave: ["dy", "w"],
    gradFunc: (u, saved, attributes) => {
      const [dy, w] = saved as [Tensor, Tensor];
      return {
        dy: () => run("forward", { x: u, w }, shared(attributes)),
        w: () => run("filterGradient", { x: u, dy }, { ...shared(attributes), filterShape: w.shape }),
      };
    },
  });
  tf.registerGradient({
    kernelName: NAMES.filterGradient,
    inputsToSave: ["x", "dy"],
    gradFunc: (v, saved, attributes) => {
      const [x, dy] = saved as [Tensor, Tensor];
      return {
        x: () => run("inputGradient", { dy, w: v }, { ...shared(attributes), inputShape: x.shape }),
        dy: () => run("forward", { x, w: v }, shared(attributes)),
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
