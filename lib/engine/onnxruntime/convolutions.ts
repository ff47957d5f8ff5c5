import {
  type ConvolutionWriter,
  type Filter,
  flopsOf,
  type Geometry,
  type Image,
  type Pads,
} from "../trace/convolutions.ts";
import { MICROSOFT, NCHWC } from "../trace/graph.ts";
import { currentGraph } from "../trace/symbols.ts";
import { padAxes, reversed, spreadGradient } from "./_image_nodes.ts";
import { groupedConvolutions } from "./grouped_convolutions.ts";

/**
 * Convolutions and their two gradients. Images are [batch, height, width, channels] and filters [kh, kw, in, out]
 * throughout. Three ways to compute one:
 *
 * - channel-blocked: ONNX Runtime's internal NCHWc operators, the fastest for 3x3 filters, where the machine has them
 *   (`Target.blockSize`, found by a probe) and the channels fill the blocks;
 * - sums of matrix products, one per filter tap: for 1x1 filters, small images, and every filter gradient;
 * - plain `Conv` on transposed images: everywhere else.
 */

/** Images of at most this many pixels are convolved as matrix products. */
const SMALL_IMAGE = 16;
const TO_NCHW = [0, 3, 1, 2];
const TO_NHWC = [0, 2, 3, 1];

/** Whether the channel-blocked operators take an image of that many channels. */
const blocked = (channels: number) => {
  const { blockSize } = currentGraph().target;
  return blockSize > 0 && (channels % blockSize === 0 || channels < blockSize);
};

function forward(x: string, w: string, g: Geometry): string {
  const graph = currentGraph();
  const { input, filter, output, stride, pads } = g;
  const [kh, kw, inputs, outputs] = filter;
  const rows = output[0] * output[1] * output[2];
  if (kh * kw === 1 && pads.every((amount) => amount === 0)) {
    const picked = stride[0] * stride[1] === 1 ? x : everyNth(x, [output[1], output[2]], [0, 0], stride);
    const product = graph.node(
      "Gemm",
      [graph.reshape(picked, [rows, inputs]), graph.reshape(w, [inputs, outputs])],
      {},
      {
        flops: flopsOf(g),
      },
    );
    return graph.reshape(product, output);
  }
  if (output[1] * output[2] <= SMALL_IMAGE) return tapProducts(x, w, g, false);
  if (blocked(inputs)) return blockedConv(x, input, w, filter, output, stride, pads, flopsOf(g));
  const kernel = graph.transpose(w, [3, 2, 0, 1]);
  return plainConv(x, kernel, [kh, kw], stride, pads, flopsOf(g));
}

/** dL/dx from dL/dy: a convolution with the flipped filter. */
function inputGradient(dy: string, w: string, g: Geometry): string {
  const graph = currentGraph();
  const { input, filter: [kh, kw, inputs, outputs], output, stride, pads } = g;
  const [batch, height, width] = input;
  const [sh, sw] = stride;
  const strided = sh * sw > 1;
  const exact = output[1] * sh === height && output[2] * sw === width;
  const flops = flopsOf(g);
  if (kh * kw === 1 && pads.every((amount) => amount === 0) && (!strided || exact)) {
    const rows = output[0] * output[1] * output[2];
    const product = graph.node("Gemm", [graph.reshape(dy, [rows, outputs]), graph.reshape(w, [inputs, outputs])], {
      transB: 1,
    }, { flops });
    if (!strided) return graph.reshape(product, input);
    const spread = graph.reshape(product, [batch, output[1], 1, output[2], 1, inputs]);
    return graph.reshape(padAxes(spread, 6, { 2: [0, sh - 1], 4: [0, sw - 1] }), input);
  }
  const [top, left, bottom, right] = pads;
  const flippedPads: Pads = [kh - 1 - top, kw - 1 - left, kh - 1 - bottom, kw - 1 - right];
  if (!strided && height * width <= SMALL_IMAGE && flippedPads.every((amount) => amount >= 0)) {
    return tapProducts(dy, w, { ...g, input: output, output: input, pads: flippedPads }, true);
  }
  if (blocked(outputs) && flippedPads.every((amount) => amount >= 0) && !strided) {
    const flipped = swapChannels(reversed(graph.reshape(w, [kh * kw, inputs, outputs]), kh * kw));
    return blockedConv(dy, output, flipped, [kh, kw, outputs, inputs], input, [1, 1], flippedPads, flops);
  }
  if (blocked(outputs) && strided && exact && sh === sw && top <= sh - 1 && left <= sw - 1 && top === left) {
    return subPixelGradient(dy, w, g, flops);
  }
  const spread = spreadGradient(dy, g);
  const flipped = reversed(graph.reshape(w, [kh * kw, inputs * outputs]), kh * kw);
  const kernel = graph.transpose(graph.reshape(flipped, [kh, kw, inputs, outputs]), [2, 3, 0, 1]);
  return plainConv(spread, kernel, [kh, kw], [1, 1], [0, 0, 0, 0], flops);
}

/**
 * The input gradient of a convolution of stride s as one small convolution with s*s times the outputs, whose pixels are
 * then woven together: no multiplications with zeros.
 */
function subPixelGradient(dy: string, w: string, g: Geometry, flops: number): string {
  const graph = currentGraph();
  const { input: [batch, height, width], filter: [kh, kw, inputs, outputs], output, stride: [s], pads: [top, left] } =
    g;
  // With padding p, row r of x meets tap t of output row o where r + p = s*o + t: pad the filter in front by the
  // amount that makes p a multiple of s, and behind to whole groups of s taps.
  const front = (s - top % s) % s;
  const frontW = (s - left % s) % s;
  const groupsH = Math.ceil((kh + front) / s);
  const groupsW = Math.ceil((kw + frontW) / s);
  let kernel = padAxes(graph.reshape(w, [kh, kw, inputs * outputs]), 3, {
    0: [front, groupsH * s - kh - front],
    1: [frontW, groupsW * s - kw - frontW],
  });
  kernel = graph.transpose(graph.reshape(kernel, [groupsH, s, groupsW, s, inputs, outputs]), [0, 2, 1, 3, 4, 5]);
  kernel = reversed(graph.reshape(kernel, [groupsH * groupsW, s * s * inputs, outputs]), groupsH * groupsW);
  const shiftH = (top + front) / s;
  const shiftW = (left + frontW) / s;
  const woven = blockedConv(
    dy,
    output,
    swapChannels(kernel),
    [groupsH, groupsW, outputs, s * s * inputs],
    [batch, output[1], output[2], s * s * inputs],
    [1, 1],
    [groupsH - 1 - shiftH, groupsW - 1 - shiftW, shiftH, shiftW],
    flops,
  );
  const pixels = graph.reshape(woven, [batch, output[1], output[2], s, s, inputs]);
  return graph.reshape(graph.transpose(pixels, [0, 1, 3, 2, 4, 5]), [batch, height, width, inputs]);
}

/** dL/dw from x and dL/dy: one matrix product per tap. */
function filterGradient(x: string, dy: string, g: Geometry): string {
  const graph = currentGraph();
  const { input, filter, output, stride, pads } = g;
  const [kh, kw, inputs, outputs] = filter;
  const [batch, height, width] = output;
  const rows = batch * height * width;
  const flops = flopsOf(g) / (kh * kw);
  const channelsFirst = height * width >= 1024 && stride[0] * stride[1] === 1 && inputs >= 32;
  let products: string[];
  if (channelsFirst) {
    // [channels, rows] operands: the taps' slices stay contiguous along the rows of a large image.
    const images = padded(graph.transpose(x, [3, 0, 1, 2]), 2, input, g);
    const gradients = graph.reshape(graph.transpose(dy, [3, 0, 1, 2]), [outputs, rows]);
    products = taps(images, 2, g).map((tap) =>
      graph.node("Gemm", [graph.reshape(tap, [inputs, rows]), gradients], { transB: 1 }, { flops })
    );
  } else {
    const images = kh * kw === 1 && stride[0] * stride[1] === 1 && pads.every((amount) => amount === 0)
      ? [x]
      : taps(padded(x, 1, input, g), 1, g);
    // Tall thin products run on one thread: split the rows, add the parts.
    const parts = batch % 2 === 0 && batch >= 8 && inputs <= 128 && outputs <= 128
      ? (rows * 8 >= 131072 && batch % 8 === 0 ? 8 : 2)
      : 1;
    products = images.map((tap) => {
      if (parts === 1) {
        const operands = [graph.reshape(tap, [rows, inputs]), graph.reshape(dy, [rows, outputs])];
        return graph.node("Gemm", operands, { transA: 1 }, { flops });
      }
      const operands = [
        graph.reshape(tap, [parts, rows / parts, inputs]),
        graph.reshape(dy, [parts, rows / parts, outputs]),
      ];
      const product = graph.node("FusedMatMul", operands, { transA: 1 }, { domain: MICROSOFT, flops });
      return graph.node("ReduceSum", [product, graph.shape([0])], { keepdims: 0 });
    });
  }
  const joined = products.length > 1 ? graph.node("Concat", products, { axis: 0 }) : products[0]!;
  return graph.reshape(joined, filter);
}

/** The channel-blocked convolution takes a bias, where its channels fill the blocks. */
function addBias(y: string, bias: string): string | undefined {
  const graph = currentGraph();
  const last = graph.producerOf(y);
  const conv = last && graph.producerOf(last.inputs[0]!);
  if (last === undefined || conv?.domain !== NCHWC || conv.op !== "Conv" || conv.inputs.length !== 2) return undefined;
  const channels = last.op === "ReorderOutput" ? last.attributes.channels as number : graph.target.blockSize;
  if (channels % graph.target.blockSize !== 0) return undefined;
  const { attributes, domain, flops } = conv;
  const biased = graph.node("Conv", [...conv.inputs, bias], attributes, { domain, flops });
  return graph.node(last.op, [biased, ...last.inputs.slice(1)], last.attributes, { domain: last.domain });
}

/** Convolution as a sum over taps of matrix products; `flip` takes the taps in reverse and transposed. */
function tapProducts(x: string, w: string, g: Geometry, flip: boolean): string {
  const graph = currentGraph();
  const { input, filter: [kh, kw, inputs, outputs], output } = g;
  const count = kh * kw;
  const rows = output[0] * output[1] * output[2];
  const filters = count === 1
    ? [graph.reshape(w, [inputs, outputs])]
    : graph.nodes("Split", [graph.reshape(w, [count * inputs, outputs])], { axis: 0 }, count);
  let total: string | undefined;
  taps(padded(x, 1, input, g), 1, g).forEach((tap, index) => {
    const operands = [graph.reshape(tap, [rows, input[3]]), filters[flip ? count - 1 - index : index]!];
    if (total !== undefined) operands.push(total);
    total = graph.node("Gemm", operands, flip ? { transB: 1 } : {}, { flops: 2 * rows * inputs * outputs });
  });
  return graph.reshape(total!, output);
}

/** NHWC convolution by the channel-blocked operators: w is [kh*kw, in, out]. */
function blockedConv(
  x: string,
  input: Image,
  w: string,
  [kh, kw, inputs, outputs]: Filter,
  output: Image,
  strides: readonly [number, number],
  pads: Pads,
  flops: number,
): string {
  const graph = currentGraph();
  const { blockSize } = graph.target;
  const count = kh * kw;
  const filled = Math.ceil(outputs / blockSize) * blockSize;
  const flat = graph.reshape(w, [count, inputs, outputs]);
  const kernel = filled === outputs ? flat : padAxes(flat, 3, { 2: [0, filled - outputs] });
  const blocks = filled / blockSize;
  let image: string;
  let weights: string;
  if (inputs < blockSize) {
    image = graph.transpose(x, TO_NCHW);
    weights = graph.transpose(graph.reshape(kernel, [count, inputs, blocks, blockSize]), [2, 1, 0, 3]);
  } else {
    // One block of channels is how images lie in memory anyway.
    const [batch, height, width] = input;
    image = inputs === blockSize
      ? graph.reshape(x, [batch, inputs, height, width])
      : graph.node("ReorderInput", [x], { channels_last: 1 }, { domain: NCHWC });
    const grouped = graph.reshape(kernel, [count, input[3] / blockSize, blockSize, blocks, blockSize]);
    weights = graph.transpose(grouped, [3, 1, 0, 2, 4]);
  }
  const operands = [image, graph.reshape(weights, [filled, inputs, kh, kw])];
  const convolved = graph.node("Conv", operands, { kernel_shape: [kh, kw], strides, pads }, { domain: NCHWC, flops });
  if (outputs === blockSize) return graph.reshape(convolved, output);
  return graph.node("ReorderOutput", [convolved], { channels: outputs, channels_last: 1 }, { domain: NCHWC });
}

/** NHWC convolution by the plain operator: kernel is [out, in, kh, kw]. */
function plainConv(
  x: string,
  kernel: string,
  [kh, kw]: readonly [number, number],
  strides: readonly [number, number],
  pads: Pads,
  flops: number,
): string {
  const graph = currentGraph();
  const operands = [graph.transpose(x, TO_NCHW), kernel];
  return graph.transpose(graph.node("Conv", operands, { kernel_shape: [kh, kw], strides, pads }, { flops }), TO_NHWC);
}

/** The image with the zeros that the taps reach around it; `axis` is that of its height. */
function padded(
  x: string,
  axis: 1 | 2,
  input: Image,
  { filter: [kh, kw], output, stride, pads: [top, left] }: Geometry,
): string {
  const bottom = Math.max(0, (output[1] - 1) * stride[0] + kh - input[1] - top);
  const right = Math.max(0, (output[2] - 1) * stride[1] + kw - input[2] - left);
  return padAxes(x, 4, { [axis]: [top, bottom], [axis + 1]: [left, right] });
}

/** For each tap of the filter the pixels that it meets; `axis` is that of the height. */
function taps(x: string, axis: 1 | 2, { filter: [kh, kw], output, stride }: Geometry): string[] {
  const found: string[] = [];
  for (let row = 0; row < kh; row++) {
    for (let column = 0; column < kw; column++) {
      found.push(everyNth(x, [output[1], output[2]], [row, column], stride, axis));
    }
  }
  return found;
}

function everyNth(
  x: string,
  count: readonly [number, number],
  start: readonly [number, number],
  [sh, sw]: readonly [number, number],
  axis = 1,
): string {
  const graph = currentGraph();
  const end = [start[0] + (count[0] - 1) * sh + 1, start[1] + (count[1] - 1) * sw + 1];
  return graph.node("Slice", [
    x,
    graph.shape(start),
    graph.shape(end),
    graph.shape([axis, axis + 1]),
    graph.shape([sh, sw]),
  ]);
}

/** [taps, in, out] -> [taps, out, in]. */
function swapChannels(w: string): string {
  return currentGraph().transpose(w, [0, 2, 1]);
}

/** Convolutions in ONNX Runtime's operators. */
export const onnxruntimeConvolutions: ConvolutionWriter = {
  forward,
  inputGradient,
  filterGradient,
  grouped: groupedConvolutions,
  addBias,
};
