import { flopsOf, type Geometry, type GroupedConvolutionWriter, type Pads } from "../trace/convolutions.ts";
import { NCHWC } from "../trace/graph.ts";
import { currentGraph } from "../trace/symbols.ts";
import { reversed, spreadGradient } from "./_image_nodes.ts";

/**
 * Convolutions in groups of channels and their two gradients. Depthwise ones are channel-blocked where the machine has
 * the operators (`Target.blockSize`) and the channels fill the blocks; the others are plain `Conv` on transposed images,
 * their filter gradients elementary operators.
 */

const TO_NCHW = [0, 3, 1, 2];
const TO_NHWC = [0, 2, 3, 1];

const groupsOf = ({ input, filter }: Geometry) => input[3] / filter[2];

/** Whether the channel-blocked operators take the convolution: depthwise, one output for each channel. */
function isBlocked({ input, filter }: Geometry): boolean {
  const { blockSize } = currentGraph().target;
  return blockSize > 0 && filter[2] === 1 && filter[3] === input[3] && input[3] % blockSize === 0;
}

function forward(x: string, w: string, g: Geometry): string {
  const graph = currentGraph();
  const { filter: [kh, kw, , outputs], stride, pads } = g;
  if (isBlocked(g)) return blockedDepthwise(x, graph.reshape(w, [kh * kw, outputs]), g, { strides: stride, pads });
  return conv(x, graph.transpose(w, [3, 2, 0, 1]), g, { strides: stride, pads });
}

/** dL/dx from dL/dy: a convolution with the flipped filter. */
function inputGradient(dy: string, w: string, g: Geometry): string {
  const graph = currentGraph();
  const { filter: [kh, kw, inputs, outputs], stride, pads: [top, left, bottom, right] } = g;
  const flippedPads: Pads = [kh - 1 - top, kw - 1 - left, kh - 1 - bottom, kw - 1 - right];
  const isDirect = stride[0] * stride[1] === 1 && flippedPads.every((amount) => amount >= 0);
  const image = isDirect ? dy : spreadGradient(dy, g);
  const attributes = { strides: [1, 1], pads: isDirect ? flippedPads : [0, 0, 0, 0] };
  const flipped = reversed(graph.reshape(w, [kh * kw, inputs * outputs]), kh * kw);
  if (isBlocked(g)) return blockedDepthwise(image, flipped, g, attributes);
  const groups = groupsOf(g);
  const byGroup = graph.transpose(graph.reshape(flipped, [kh * kw, inputs, groups, outputs / groups]), [2, 1, 3, 0]);
  return conv(image, graph.reshape(byGroup, [g.input[3], outputs / groups, kh, kw]), g, attributes);
}

/**
 * dL/dw from x and dL/dy, where it is depthwise and channel-blocked: a convolution of x with dL/dy as the filter, whose
 * elements are as far apart as the stride. Every channel of every image is a channel, and the images are added
 * afterwards; the blocks of both operands lie in memory as the operator wants them.
 */
function filterGradient(x: string, dy: string, g: Geometry): string | undefined {
  if (!isBlocked(g)) return undefined;
  const graph = currentGraph();
  const { input: [batch, height, width, channels], filter: [kh, kw], output, stride, pads: [top, left] } = g;
  const { blockSize } = graph.target;
  // Rows and columns behind the image so that the filter fits kh times kw times: fewer than 0 are cut off.
  const bottom = kh + (output[1] - 1) * stride[0] - height - top;
  const right = kw + (output[2] - 1) * stride[1] - width - left;
  const rows = height + Math.min(0, bottom);
  const columns = width + Math.min(0, right);
  const image = bottom < 0 || right < 0
    ? graph.node("Slice", [x, graph.shape([0, 0]), graph.shape([rows, columns]), graph.shape([1, 2])])
    : x;
  const all = batch * channels;
  const operands = [
    graph.reshape(toBlocks(image), [1, all, rows, columns]),
    graph.reshape(toBlocks(dy), [all, 1, output[1], output[2]]),
  ];
  const attributes = {
    "kernel_shape": [output[1], output[2]],
    strides: [1, 1],
    dilations: stride,
    pads: [top, left, Math.max(0, bottom), Math.max(0, right)],
    group: all,
  };
  const each = graph.node("Conv", operands, attributes, { domain: NCHWC, flops: flopsOf(g) });
  const ofImages = graph.reshape(each, [batch, channels * kh * kw]);
  const sum = graph.node("ReduceSum", [ofImages, graph.shape([0])], { keepdims: 0 });
  const blocks = graph.reshape(sum, [channels / blockSize, kh * kw, blockSize]);
  return graph.reshape(graph.transpose(blocks, [1, 0, 2]), g.filter);
}

/** An image of channels last in blocks of channels. */
function toBlocks(x: string): string {
  return currentGraph().node("ReorderInput", [x], { channels_last: 1 }, { domain: NCHWC });
}

type ConvAttributes = { readonly strides: readonly number[]; readonly pads: readonly number[] };

/** A depthwise convolution of an image of channels last; w is [kh * kw, channels]. */
function blockedDepthwise(x: string, w: string, g: Geometry, attributes: ConvAttributes): string {
  const graph = currentGraph();
  const { blockSize } = graph.target;
  const { filter: [kh, kw, , channels] } = g;
  const kernel = graph.transpose(graph.reshape(w, [kh * kw, channels / blockSize, blockSize]), [1, 0, 2]);
  const convolved = graph.node(
    "Conv",
    [toBlocks(x), graph.reshape(kernel, [channels, 1, kh, kw])],
    { kernel_shape: [kh, kw], ...attributes, group: channels },
    { domain: NCHWC, flops: flopsOf(g) },
  );
  return graph.node("ReorderOutput", [convolved], { channels, channels_last: 1 }, { domain: NCHWC });
}

/** The plain operator on an image of channels last; kernel is [out, in / groups, kh, kw]. */
function conv(x: string, kernel: string, g: Geometry, attributes: ConvAttributes): string {
  const graph = currentGraph();
  const [kh, kw] = g.filter;
  const convolved = graph.node(
    "Conv",
    [graph.transpose(x, TO_NCHW), kernel],
    { kernel_shape: [kh, kw], ...attributes, group: groupsOf(g) },
    { flops: flopsOf(g) },
  );
  return graph.transpose(convolved, TO_NHWC);
}

/** Grouped convolutions in ONNX Runtime's operators. */
export const groupedConvolutions: GroupedConvolutionWriter = { forward, inputGradient, filterGradient };
