import { type ConvolutionWriter, flopsOf, type Geometry } from "../trace/convolutions.ts";
import { currentGraph } from "../trace/symbols.ts";

const attributesOf = ({ stride, pads }: Geometry) => ({ strides: stride, pads });

/** Convolutions and their gradients in TensorFlow's own operators, which take images as they are. */
export const tensorflowConvolutions: ConvolutionWriter = {
  forward: (x, w, g) => currentGraph().node("Conv2D", [x, w], attributesOf(g), { flops: flopsOf(g) }),
  inputGradient: (dy, w, g) => {
    const attributes = { ...attributesOf(g), shape: g.input };
    return currentGraph().node("Conv2DBackpropInput", [w, dy], attributes, { flops: flopsOf(g) });
  },
  filterGradient: (x, dy, g) => {
    const attributes = { ...attributesOf(g), shape: g.filter };
    return currentGraph().node("Conv2DBackpropFilter", [x, dy], attributes, { flops: flopsOf(g) });
  },
};
