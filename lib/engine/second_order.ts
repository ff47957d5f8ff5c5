import type * as TensorFlow from "@tensorflow/tfjs";

type Tensor = TensorFlow.Tensor;

const PIECEWISE_CONSTANT = [
  "Greater",
  "GreaterEqual",
  "Less",
  "LessEqual",
  "Equal",
  "NotEqual",
  "LogicalAnd",
  "LogicalOr",
];

/**
 * Repairs TensorFlow.js's gradients so that they can be differentiated again.
 *
 * In TensorFlow.js 4.22 every op whose gradient saves its own output is cut off in the second pass: the saved output is
 * recorded on the tape before the op that makes it, and the single forward scan of the tape judges it "not a function of
 * x". Where another path exists the second derivative is silently wrong. The repaired gradients save the input and
 * compute the output again:
 *
 * - Exp: dx = dy * exp(x)
 * - Sigmoid: dx = dy * s * (1 - s), s = sigmoid(x)
 * - Tanh: dx = dy * (1 - t^2), t = tanh(x)
 *
 * - Softmax: dx = s * (dy - sum(dy * s)), s = softmax(x)
 *
 * Comparisons and logical operators have no gradient at all in TensorFlow.js, so that differentiating the gradients of
 * maximum, minimum or where fails; they are constant almost everywhere, and get zeros.
 *
 * The filter gradient of a convolution, w = F(x, dy), is bilinear: dx = the input gradient of dy with filter ddw, ddy =
 * the convolution of x with ddw. TensorFlow.js has none.
 *
 * The logarithm of soft-max is written in terms of these in `ops.ts`; TensorFlow.js's own is not exported.
 *
 * Source: measured (finite differences, tests/engine/second_order_test.ts); tensorflow/tfjs issue 3252 knows the
 * throwing case.
 *
 * @param tf The TensorFlow.js module, whose global gradient registry is changed. Calling it twice is harmless.
 */
export function repairSecondOrder(tf: typeof TensorFlow): void {
  const replace = (
    kernelName: string,
    gradient: (dy: Tensor, x: Tensor) => Tensor,
  ) => {
    if (tf.getGradient(kernelName)) tf.unregisterGradient(kernelName);
    tf.registerGradient({
      kernelName,
      inputsToSave: ["x"],
      gradFunc: (dy, saved) => ({ x: () => gradient(dy as Tensor, saved[0] as Tensor) }),
    });
  };
  for (const kernelName of PIECEWISE_CONSTANT) {
    if (tf.getGradient(kernelName)) tf.unregisterGradient(kernelName);
    tf.registerGradient({
      kernelName,
      inputsToSave: ["a", "b"],
      gradFunc: (_, [a, b]) => ({ a: () => tf.zeros((a as Tensor).shape), b: () => tf.zeros((b as Tensor).shape) }),
    });
  }
  if (tf.getGradient("Conv2DBackpropFilter")) tf.unregisterGradient("Conv2DBackpropFilter");
  tf.registerGradient({
    kernelName: "Conv2DBackpropFilter",
    inputsToSave: ["x", "dy"],
    gradFunc: (ddw, [x, dy], attributes) => {
      const { strides, pad, dataFormat, dimRoundingMode } =
        attributes as unknown as TensorFlow.Conv2DBackpropFilterAttrs;
      const shared = { strides, pad, dataFormat, dimRoundingMode };
      const run = (kernel: string, inputs: Record<string, unknown>, attrs: object): Tensor =>
        tf.engine().runKernel(kernel, inputs as TensorFlow.NamedTensorMap, { ...attrs }) as Tensor;
      return {
        x: () => run("Conv2DBackpropInput", { dy, filter: ddw }, { ...shared, inputShape: (x as Tensor).shape }),
        dy: () => run("Conv2D", { x, filter: ddw }, { ...shared, dilations: 1 }),
      };
    },
  });
  replace("Exp", (dy, x) => tf.mul(dy, tf.exp(x)));
  replace("Sigmoid", (dy, x) => {
    const s = tf.sigmoid(x);
    return tf.mul(dy, tf.mul(s, tf.sub(1, s)));
  });
  if (tf.getGradient("Softmax")) tf.unregisterGradient("Softmax");
  tf.registerGradient({
    kernelName: "Softmax",
    inputsToSave: ["logits"],
    gradFunc: (dy, [logits]) => ({
      logits: () => {
        const s = tf.softmax(logits as Tensor);
        return tf.mul(s, tf.sub(dy as Tensor, tf.sum(tf.mul(dy as Tensor, s), -1, true)));
      },
    }),
  });
  replace("LogicalNot", (_, x) => tf.zeros(x.shape));
  replace("Tanh", (dy, x) => tf.mul(dy, tf.sub(1, tf.square(tf.tanh(x)))));
}
