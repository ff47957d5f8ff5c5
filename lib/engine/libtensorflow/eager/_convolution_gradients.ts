import { tf } from "../../tensorflow.ts";
import type { Tensor } from "../../tensorflow.ts";
import { EAGER_BACKEND } from "./_backend.ts";

type Attributes = Pick<tf.Conv2DBackpropInputAttrs, "strides" | "pad" | "dataFormat">;
type Kernel = (inputs: Record<string, tf.TensorInfo>, attributes: object) => Tensor;
type Shape4D = [number, number, number, number];

/**
 * Lets the gradients of convolutions take listed padding, which the package's kernels refuse: it is called "same" where
 * it is that, and else they work on an image whose zeros are put around it beforehand.
 */
export function registerConvolutionGradients(): void {
  replace("Conv2DBackpropInput", ({ dy, filter }, given, run) => {
    const attributes = given as unknown as tf.Conv2DBackpropInputAttrs;
    const { pad, whole, begin } = withoutList(attributes, attributes.inputShape, filter!.shape as Shape4D);
    const gradient = run({ dy: dy!, filter: filter! }, { ...attributes, pad, inputShape: whole });
    return pad === "same" ? gradient : tf.slice(gradient, begin, attributes.inputShape);
  });
  replace("Conv2DBackpropFilter", ({ x, dy }, given, run) => {
    const attributes = given as unknown as tf.Conv2DBackpropFilterAttrs;
    const { pad, pads } = withoutList(attributes, x!.shape as Shape4D, attributes.filterShape);
    const image = pad === "same" ? x! : tf.pad(x as tf.Tensor4D, pads);
    return run({ x: image, dy: dy! }, { ...attributes, pad });
  });
}

function replace(
  kernelName: string,
  kernel: (inputs: Record<string, tf.TensorInfo | undefined>, attributes: tf.NamedAttrMap, run: Kernel) => Tensor,
): void {
  const { kernelFunc } = tf.getKernel(kernelName, EAGER_BACKEND);
  tf.unregisterKernel(kernelName, EAGER_BACKEND);
  tf.registerKernel({
    kernelName,
    backendName: EAGER_BACKEND,
    kernelFunc: ({ inputs, attrs = {}, backend }) => {
      if (!Array.isArray(attrs.pad)) return kernelFunc({ inputs, attrs, backend });
      const run: Kernel = (inputs, attributes) =>
        kernelFunc({ inputs, attrs: attributes as tf.NamedAttrMap, backend }) as Tensor;
      return tf.tidy(() => kernel(inputs, attrs, run));
    },
  });
}

/** The same convolution with its padding by name, and the image that it is then of. */
function withoutList(
  { strides, pad, dataFormat }: Attributes,
  shape: Shape4D,
  filter: Shape4D,
): {
  readonly pad: "same" | "valid";
  readonly pads: [number, number][];
  readonly whole: Shape4D;
  readonly begin: Shape4D;
} {
  if (dataFormat !== "NHWC") throw new TypeError(`Cannot use listed padding with images as ${dataFormat}: use NHWC`);
  const pads = pad as [number, number][];
  const same = tf.backend_util.computeConv2DInfo(shape, filter, strides, 1, "same").padInfo;
  if (String([same.top, same.bottom, same.left, same.right]) === String([pads[1], pads[2]])) {
    return { pad: "same", pads, whole: shape, begin: [0, 0, 0, 0] };
  }
  return {
    pad: "valid",
    pads,
    whole: shape.map((length, axis) => length + pads[axis]![0] + pads[axis]![1]) as Shape4D,
    begin: pads.map(([before]) => before) as Shape4D,
  };
}
