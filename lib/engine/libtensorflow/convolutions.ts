import { type ConvolutionWriter, flopsOf, type Geometry } from "../trace/convolutions.ts";
import { currentGraph } from "../trace/symbols.ts";

/**
 * Convolutions and their gradients in TensorFlow's own operators, which take images as they are. The gradients are slow
 * (twice the time of a step) where the padding is listed, and fast where it is "SAME" or "VALID": so it is called "SAME"
 * where it is that, and else the gradients work on an image whose zeros are put around it beforehand.
 */
export const tensorflowConvolutions: ConvolutionWriter = {
  forward: (x, w, g) => currentGraph().node("Conv2D", [x, w], attributesOf(g), { flops: flopsOf(g) }),
  inputGradient: (dy, w, g) => {
    const graph = currentGraph();
    if (!isPaddedOtherwise(g)) {
      const attributes = { ...attributesOf(g), shape: g.input };
      return graph.node("Conv2DBackpropInput", [w, dy], attributes, { flops: flopsOf(g) });
    }
    const [batch, height, width, channels] = g.input;
    const [top, left] = g.pads;
    const attributes = { ...attributesOf(unpadded(g)), shape: unpadded(g).input };
    const whole = graph.node("Conv2DBackpropInput", [w, dy], attributes, { flops: flopsOf(g) });
    const end = graph.shape([batch, top + height, left + width, channels]);
    return graph.node("Slice", [whole, graph.shape([0, top, left, 0]), end]);
  },
  filterGradient: (x, dy, g) => {
    const graph = currentGraph();
    const [top, left, bottom, right] = g.pads;
    const otherwise = isPaddedOtherwise(g);
    const amounts = [0, top, left, 0, 0, bottom, right, 0];
    const image = otherwise ? graph.node("Pad", [x, graph.shape(amounts), graph.scalar(0)]) : x;
    const attributes = { ...attributesOf(otherwise ? unpadded(g) : g), shape: g.filter };
    return graph.node("Conv2DBackpropFilter", [image, dy], attributes, { flops: flopsOf(g) });
  },
  // TensorFlow computes it, and a ReLU after it, within the convolution.
  addBias: (y, bias) => {
    const graph = currentGraph();
    return graph.producerOf(y)?.op === "Conv2D" ? graph.node("BiasAdd", [y, bias]) : undefined;
  },
};

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
