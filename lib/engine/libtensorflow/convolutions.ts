import { type ConvolutionWriter, flopsOf, type Geometry } from "../trace/convolutions.ts";
import { currentGraph } from "../trace/symbols.ts";

/**
 * Convolutions and their gradients in TensorFlow's own operators, which take images as they are. The gradients are slow
 * (twice the time of a step) where the padding is listed, and fast where it is "SAME" or "VALID": so it is called "SAME"
 * where it is that, and else the gradients work on an image whose zeros are put around it beforehand.
 */
export const tensorflowConvolutions: ConvolutionWriter = {
  forward: (x, w, g) => currentGraph().node("Conv2D", [x, w], attributesOf(g), { flops: flopsOf(g) }),
  inputGradient: (dy, w, g) => inputGradient("", dy, w, g),
  filterGradient: (x, dy, g) => filterGradient("", x, dy, g, g.filter),
  // Gradients of groups of several channels, which TensorFlow lacks on a CPU, are made of depthwise ones.
  grouped: {
    forward: (x, w, g) => {
      if (!isDepthwise(g)) return currentGraph().node("Conv2D", [x, w], attributesOf(g), { flops: flopsOf(g) });
      const [image, at] = paddedBefore(x, g);
      return currentGraph().node("DepthwiseConv2D", [image, depthwise(w, g)], attributesOf(at), { flops: flopsOf(g) });
    },
    inputGradient: (dy, w, g) => isDepthwise(g) ? inputGradient("Depthwise", dy, depthwise(w, g), g) : undefined,
    filterGradient: (x, dy, g) => {
      if (!isDepthwise(g)) return undefined;
      const [kh, kw, , channels] = g.filter;
      return currentGraph().reshape(filterGradient("Depthwise", x, dy, g, [kh, kw, channels, 1]), g.filter);
    },
  },
  // TensorFlow computes it, and a ReLU after it, within the convolution.
  addBias: (y, bias) => {
    const graph = currentGraph();
    return graph.producerOf(y)?.op === "Conv2D" ? graph.node("BiasAdd", [y, bias]) : undefined;
  },
};

type Prefix = "" | "Depthwise";

function inputGradient(prefix: Prefix, dy: string, w: string, g: Geometry): string {
  const graph = currentGraph();
  const at = isPaddedOtherwise(g) ? unpadded(g) : g;
  const attributes = { ...attributesOf(at), shape: at.input };
  const whole = graph.node(`${prefix}Conv2DBackpropInput`, [w, dy], attributes, { flops: flopsOf(g) });
  if (at === g) return whole;
  const [batch, height, width, channels] = g.input;
  const [top, left] = g.pads;
  const end = graph.shape([batch, top + height, left + width, channels]);
  return graph.node("Slice", [whole, graph.shape([0, top, left, 0]), end]);
}

function filterGradient(prefix: Prefix, x: string, dy: string, g: Geometry, shape: readonly number[]): string {
  const [image, at] = paddedBefore(...withoutUnread(x, g));
  const attributes = { ...attributesOf(at), shape };
  return currentGraph().node(`${prefix}Conv2DBackpropFilter`, [image, dy], attributes, { flops: flopsOf(g) });
}

/**
 * The image without the last row and column where a 1x1 filter of stride 2 never reads them: with fewer than 16 channels,
 * the gradient of that filter would write behind its memory (TensorFlow 2.21, oneDNN).
 */
function withoutUnread(x: string, g: Geometry): [image: string, geometry: Geometry] {
  const [batch, height, width, channels] = g.input;
  const [kh, kw] = g.filter;
  const rows = (g.output[1] - 1) * g.stride[0]! + 1;
  const columns = (g.output[2] - 1) * g.stride[1]! + 1;
  if (kh !== 1 || kw !== 1 || channels >= 16 || rows >= height && columns >= width) return [x, g];
  const graph = currentGraph();
  const input = [batch, rows, columns, channels] as const;
  return [graph.node("Slice", [x, graph.shape([0, 0, 0, 0]), graph.shape([...input])]), { ...g, input }];
}

const isDepthwise = ({ input, filter }: Geometry) => filter[2] === 1 && filter[3] === input[3];

/** A depthwise filter as TensorFlow has it: [KH, KW, C, 1]. */
const depthwise = (w: string, { filter: [kh, kw, , channels] }: Geometry) =>
  currentGraph().reshape(w, [kh, kw, channels, 1]);

/** The image with its zeros around it where the padding has no name, and its convolution then. */
function paddedBefore(x: string, g: Geometry): [image: string, geometry: Geometry] {
  if (!isPaddedOtherwise(g)) return [x, g];
  const graph = currentGraph();
  const [top, left, bottom, right] = g.pads;
  const amounts = [0, top, left, 0, 0, bottom, right, 0];
  return [graph.node("Pad", [x, graph.shape(amounts), graph.scalar(0)]), unpadded(g)];
}

const attributesOf = (g: Geometry) => ({ strides: g.stride, pads: g.pads, same: Number(isSame(g)) });

/** Whether the padding is TensorFlow's "SAME": just enough for ceil(length / stride) outputs, the odd zero behind. */
function isSame({ input, filter, output, stride, pads }: Geometry): boolean {
  return [0, 1].every((axis) => {
    const length = input[axis + 1]!;
    const count = Math.ceil(length / stride[axis]!);
    const total = Math.max(0, (count - 1) * stride[axis]! + filter[axis]! - length);
    const before = Math.floor(total / 2);
    return output[axis + 1] === count && pads[axis] === before && pads[axis + 2] === total - before;
  });
}

function isPaddedOtherwise(g: Geometry): boolean {
  return g.pads.some((amount) => amount > 0) && !isSame(g);
}

/** The same convolution of the image with its zeros around it. */
function unpadded(g: Geometry): Geometry {
  const [batch, height, width, channels] = g.input;
  const [top, left, bottom, right] = g.pads;
  return { ...g, input: [batch, height + top + bottom, width + left + right, channels], pads: [0, 0, 0, 0] };
}
