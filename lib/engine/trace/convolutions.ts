import {
  type GroupedConvolutionAttributes,
  groupedConvolutionOf,
  groupedConvolutionShape,
  groupedFilterGradientOf,
  groupedInputGradientOf,
} from "../grouped_convolution_kernels.ts";
import { type Tensor, tf } from "../tensorflow.ts";
import type { Attributes, TraceKernel } from "./kernels.ts";
import { currentGraph, type TensorInfo, toTensorInfo, unscaled } from "./symbols.ts";

/** Shape of images. */
export type Image = readonly [batch: number, height: number, width: number, channels: number];
/** Shape of filters. */
export type Filter = readonly [height: number, width: number, inputs: number, outputs: number];
/** Zeros around an image. */
export type Pads = readonly [top: number, left: number, bottom: number, right: number];

/** Shapes of a convolution. */
export interface Geometry {
  readonly input: Image;
  readonly filter: Filter;
  readonly output: Image;
  readonly stride: readonly [number, number];
  readonly pads: Pads;
}

/** How an engine writes a convolution and its two gradients; operands and results are names of the graph. */
export interface ConvolutionWriter {
  /** y from x and w. */
  readonly forward: (x: string, w: string, geometry: Geometry) => string;
  /** dL/dx from dL/dy and w. */
  readonly inputGradient: (dy: string, w: string, geometry: Geometry) => string;
  /** dL/dw from x and dL/dy. */
  readonly filterGradient: (x: string, dy: string, geometry: Geometry) => string;
  /**
   * The same for a convolution in groups of channels, whose filter has the input channels of one group; undefined where
   * elementary operators are as fast.
   */
  readonly grouped?: Partial<GroupedConvolutionWriter>;
  /** y + bias [channels] within the convolution that makes y; undefined where it cannot be had. */
  readonly addBias?: (y: string, bias: string) => string | undefined;
}

/** As {@linkcode ConvolutionWriter}, in groups of channels. */
export interface GroupedConvolutionWriter {
  /** y from x and w. */
  readonly forward: (x: string, w: string, geometry: Geometry) => string | undefined;
  /** dL/dx from dL/dy and w. */
  readonly inputGradient: (dy: string, w: string, geometry: Geometry) => string | undefined;
  /** dL/dw from x and dL/dy. */
  readonly filterGradient: (x: string, dy: string, geometry: Geometry) => string | undefined;
}

function geometryOf(inputShape: readonly number[], filterShape: readonly number[], attributes: Attributes): Geometry {
  const { strides, pad, dilations, dimRoundingMode, dataFormat } = attributes;
  const info = tf.backend_util.computeConv2DInfo(
    inputShape as [number, number, number, number],
    filterShape as [number, number, number, number],
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    false,
    tf.backend_util.convertConv2DDataFormat(dataFormat ?? "NHWC"),
  );
  if (info.dilationHeight !== 1 || info.dilationWidth !== 1 || (dataFormat ?? "NHWC") !== "NHWC") {
    throw new TypeError(
      `Cannot trace a dilated or channels-first convolution: the ${currentGraph().target.engine} engine does not cover it`,
    );
  }
  const { top, left, bottom, right } = info.padInfo;
  return {
    input: inputShape as unknown as Image,
    filter: filterShape as unknown as Filter,
    output: info.outShape as unknown as Image,
    stride: [info.strideHeight, info.strideWidth],
    pads: [top, left, bottom, right],
  };
}

/** Floating-point operations of a convolution, or of either gradient. */
export function flopsOf({ output: [batch, height, width], filter: [kh, kw, inputs, outputs] }: Geometry): number {
  return 2 * batch * height * width * kh * kw * inputs * outputs;
}

function made<N extends string | undefined>(
  a: TensorInfo,
  b: TensorInfo,
  shape: readonly number[],
  write: (a: string, b: string) => N,
): TensorInfo | (N & undefined) {
  const left = unscaled(a);
  const right = unscaled(b);
  const name = write(left.name, right.name);
  if (name === undefined) return undefined as N & undefined;
  return toTensorInfo({ name, dims: [...shape], dtype: "float32", scale: left.scale * right.scale }, shape);
}

function groupedGeometry(input: readonly number[], filter: readonly number[], attributes: Attributes): Geometry {
  const { stride, padding } = attributes;
  return {
    input: input as unknown as Image,
    filter: filter as unknown as Filter,
    output: groupedConvolutionShape(input, filter, { stride, padding }),
    stride: [stride, stride],
    pads: [padding, padding, padding, padding],
  };
}

const grouped = () => currentGraph().target.convolutions.grouped;
const asTensor = (info: TensorInfo | undefined) => info as unknown as Tensor;
const asInfo = (tensor: Tensor) => tensor as unknown as TensorInfo;

/** How TensorFlow.js's convolution kernels are written into the graph. */
export const convolutionKernels: Readonly<Record<string, TraceKernel>> = {
  Conv2D: ({ x, filter }, attributes) => {
    const geometry = geometryOf(x!.shape, filter!.shape, attributes);
    return made(x!, filter!, geometry.output, (a, b) => currentGraph().target.convolutions.forward(a, b, geometry));
  },
  Conv2DBackpropInput: ({ dy, filter }, attributes) => {
    const geometry = geometryOf(attributes.inputShape, filter!.shape, attributes);
    return made(
      dy!,
      filter!,
      geometry.input,
      (a, b) => currentGraph().target.convolutions.inputGradient(a, b, geometry),
    );
  },
  Conv2DBackpropFilter: ({ x, dy }, attributes) => {
    const geometry = geometryOf(x!.shape, attributes.filterShape, attributes);
    return made(x!, dy!, geometry.filter, (a, b) => currentGraph().target.convolutions.filterGradient(a, b, geometry));
  },
  GroupedConv2D: ({ x, w }, attributes) => {
    const geometry = groupedGeometry(x!.shape, w!.shape, attributes);
    return made(x!, w!, geometry.output, (a, b) => grouped()?.forward?.(a, b, geometry)) ??
      asInfo(groupedConvolutionOf(tf, asTensor(x), asTensor(w), attributes as GroupedConvolutionAttributes));
  },
  GroupedConv2DBackpropInput: ({ dy, w }, attributes) => {
    const { inputShape, stride, padding } = attributes;
    const geometry = groupedGeometry(inputShape, w!.shape, attributes);
    return made(dy!, w!, geometry.input, (a, b) => grouped()?.inputGradient?.(a, b, geometry)) ??
      asInfo(groupedInputGradientOf(tf, asTensor(dy), asTensor(w), { stride, padding, inputShape }));
  },
  GroupedConv2DBackpropFilter: ({ x, dy }, attributes) => {
    const { filterShape, stride, padding } = attributes;
    const geometry = groupedGeometry(x!.shape, filterShape, attributes);
    return made(x!, dy!, geometry.filter, (a, b) => grouped()?.filterGradient?.(a, b, geometry)) ??
      asInfo(groupedFilterGradientOf(tf, asTensor(x), asTensor(dy), { stride, padding, filterShape }));
  },
};
