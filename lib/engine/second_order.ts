import type * as TensorFlow from "@tensorflow/tfjs";

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
 * Soft-max and its logarithm are written in terms of these in `ops.ts`; TensorFlow.js's own are not exported.
 *
 * Source: measured (finite differences, tests/engine/second_order_test.ts); tensorflow/tfjs issue 3252 knows the
 * throwing case.
 *
 * @param tf The TensorFlow.js module, whose global gradient registry is changed. Calling it twice is harmless.
 */
export function repairSecondOrder(tf: typeof TensorFlow): void {
  const replace = (
    kernelName: string,
    gradient: (dy: TensorFlow.Tensor, x: TensorFlow.Tensor) => TensorFlow.Tensor,
  ) => {
    if (tf.getGradient(kernelName)) tf.unregisterGradient(kernelName);
    tf.registerGradient({
      kernelName,
      inputsToSave: ["x"],
      gradFunc: (dy, saved) => ({ x: () => gradient(dy as TensorFlow.Tensor, saved[0] as TensorFlow.Tensor) }),
    });
  };
  replace("Exp", (dy, x) => tf.mul(dy, tf.exp(x)));
  replace("Sigmoid", (dy, x) => {
    const s = tf.sigmoid(x);
    return tf.mul(dy, tf.mul(s, tf.sub(1, s)));
  });
  replace("Tanh", (dy, x) => tf.mul(dy, tf.sub(1, tf.square(tf.tanh(x)))));
}
