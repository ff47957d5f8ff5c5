import type { MaxPoolGeometry, MaxPoolWriter } from "../trace/max_pool.ts";
import { currentGraph } from "../trace/symbols.ts";

/**
 * Max-pooling in TensorFlow's own operators, for a processor: they give the gradient to the first of equals, row by row,
 * as the elementary operators do; what cuDNN does is not written down. With listed padding the gradient takes five times
 * as long, and its derivative knows none: so what lies around the image is put there beforehand.
 */
export const tensorflowMaxPool: MaxPoolWriter = {
  forward: (x, g) => largest(padded(x, g, LOWEST), g),
  gradient: (dy, x, g) => {
    const graph = currentGraph();
    const image = padded(x, g, LOWEST);
    const whole = graph.node("MaxPoolGrad", [image, largest(image, g), dy], attributesOf(g));
    if (g.padding === 0) return whole;
    const begin = [0, g.padding, g.padding, 0];
    const end = begin.map((from, axis) => from + g.input[axis]!);
    return graph.node("Slice", [whole, graph.shape(begin), graph.shape(end)]);
  },
  pick: (v, x, g) => {
    const image = padded(x, g, LOWEST);
    return currentGraph().node("MaxPoolGradGrad", [image, largest(image, g), padded(v, g, 0)], attributesOf(g));
  },
};

const LOWEST = -3.4028234663852886e38;

const attributesOf = ({ size, stride }: MaxPoolGeometry) => ({
  ksize: [size, size],
  strides: [stride, stride],
  pads: [0, 0, 0, 0],
});

const largest = (image: string, g: MaxPoolGeometry) => currentGraph().node("MaxPool", [image], attributesOf(g));

function padded(x: string, { padding }: MaxPoolGeometry, value: number): string {
  if (padding === 0) return x;
  const graph = currentGraph();
  return graph.node("Pad", [x, graph.shape([0, padding, padding, 0, 0, padding, padding, 0]), graph.scalar(value)]);
}
