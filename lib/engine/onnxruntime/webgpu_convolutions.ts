import { type ConvolutionWriter, type Filter, flopsOf, type Geometry, type Pads } from "../trace/convolutions.ts";
import { currentGraph } from "../trace/symbols.ts";
import { groupedConvolutions } from "./grouped_convolutions.ts";

const TO_NCHW = [0, 3, 1, 2];
const TO_NHWC = [0, 2, 3, 1];

/**
 * Convolutions and their two gradients for ONNX Runtime's WebGPU provider: each is one operator, as a GPU has the
 * threads for it and every operator more is a wait. Images are [batch, height, width, channels] and filters
 * [kh, kw, in, out]; ONNX's are channels first, and the provider takes out the transpositions that meet.
 */
export const webgpuConvolutions: ConvolutionWriter = {
  forward,
  inputGradient,
  filterGradient,
  grouped: groupedConvolutions,
};

function forward(x: string, w: string, g: Geometry): string {
  return conv(x, currentGraph().transpose(w, [3, 2, 0, 1]), g.filter, { strides: g.stride, pads: g.pads }, flopsOf(g));
}

/** dL/dx from dL/dy: the transposed convolution; of stride 1 it is a convolution with the flipped filter. */
function inputGradient(dy: string, w: string, g: Geometry): string {
  const graph = currentGraph();
  const { input, filter: [kh, kw, inputs, outputs], output, stride, pads: [top, left, bottom, right] } = g;
  const flippedPads: Pads = [kh - 1 - top, kw - 1 - left, kh - 1 - bottom, kw - 1 - right];
  if (stride[0] * stride[1] === 1 && flippedPads.every((amount) => amount >= 0)) {
    const kernel = graph.transpose(flipped(w, g.filter), [2, 3, 0, 1]);
    return conv(dy, kernel, [kh, kw, outputs, inputs], { strides: [1, 1], pads: flippedPads }, flopsOf(g));
  }
  // What the rows and columns that the convolution did not reach add to its size.
  const rest = [0, 1].map((axis) =>
    input[axis + 1]! + g.pads[axis]! + g.pads[axis + 2]! - (output[axis + 1]! - 1) * stride[axis]! - g.filter[axis]!
  );
  const operands = [graph.transpose(dy, TO_NCHW), graph.transpose(w, [3, 2, 0, 1])];
  return graph.transpose(
    graph.node("ConvTranspose", operands, {
      kernel_shape: [kh, kw],
      strides: stride,
      pads: g.pads,
      output_padding: rest,
    }, { flops: flopsOf(g) }),
    TO_NHWC,
  );
}

/**
 * dL/dw from x and dL/dy: a convolution of x with dL/dy as the filter, in which the images of the batch are the channels
 * that are summed over, and the stride is how far apart the filter's elements are.
 */
function filterGradient(x: string, dy: string, g: Geometry): string {
  const graph = currentGraph();
  const { input: [batch, height, width], filter: [kh, kw, , outputs], output, stride, pads: [top, left] } = g;
  // Rows and columns behind the image so that the filter fits kh times kw times: fewer than 0 are cut off.
  const bottom = kh + (output[1] - 1) * stride[0] - height - top;
  const right = kw + (output[2] - 1) * stride[1] - width - left;
  const end = [height + Math.min(0, bottom), width + Math.min(0, right)];
  const image = bottom < 0 || right < 0
    ? graph.node("Slice", [x, graph.shape([0, 0]), graph.shape(end), graph.shape([1, 2])])
    : x;
  const product = conv(
    graph.transpose(image, [3, 1, 2, 0]),
    graph.transpose(dy, [3, 0, 1, 2]),
    [output[1], output[2], batch, outputs],
    { strides: [1, 1], pads: [top, left, Math.max(0, bottom), Math.max(0, right)], dilations: stride },
    flopsOf(g),
  );
  return graph.transpose(product, [1, 2, 0, 3]);
}

/** The plain operator on an image of channels last; kernel is [out, in, kh, kw]. */
function conv(
  x: string,
  kernel: string,
  [kh, kw]: Filter,
  attributes: { readonly strides: readonly number[]; readonly pads: Pads; readonly dilations?: readonly number[] },
  flops: number,
): string {
  const graph = currentGraph();
  const operands = [graph.transpose(x, TO_NCHW), kernel];
  return graph.transpose(graph.node("Conv", operands, { kernel_shape: [kh, kw], ...attributes }, { flops }), TO_NHWC);
}

/** The filter upside down and left to right. */
function flipped(w: string, [kh, kw, inputs, outputs]: Filter): string {
  const graph = currentGraph();
  const count = kh * kw;
  if (count === 1) return w;
  const order = graph.shape(Array.from({ length: count }, (_, tap) => count - 1 - tap));
  const reversed = graph.node("Gather", [graph.reshape(w, [count, inputs * outputs]), order], { axis: 0 });
  return graph.reshape(reversed, [kh, kw, inputs, outputs]);
}
