import { assertEquals } from "@std/assert";
import type { NdArray } from "../../../../lib/core/mod.ts";
import { tf } from "../../../../lib/engine/tensorflow.ts";
import type { Tensor } from "../../../../lib/engine/mod.ts";
import { assertClose } from "../../../testing/assert_close.ts";
import { testOnEager } from "../../../testing/eager.ts";
import { normal } from "../../../testing/numbers.ts";

/** Functions whose gradient is one of the lean ones. */
const CASES: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  "sum": (x) => tf.square(tf.sum(x)),
  "sum over an axis": (x) => tf.square(tf.sum(x, 1)),
  "sum over the last axis, kept": (x) => tf.square(tf.sum(x, -1, true)),
  "sum over no axis": (x) => tf.square(tf.sum(x, [])),
  "mean": (x) => tf.square(tf.mean(x)),
  "mean over axes": (x) => tf.square(tf.mean(x, [0, -1])),
  "relu": (x) => tf.square(tf.relu(x)),
};

/** The gradient of the sum of a case, and the gradient of the sum of the cube of that. */
function gradients(f: (x: Tensor) => Tensor): NdArray[] {
  return tf.tidy(() => {
    const { dtype, shape, data } = normal([2, 3, 4], "x");
    const x = tf.tensor(data, [...shape], dtype);
    const first = tf.grad((x: Tensor) => tf.sum(f(x)));
    const second = tf.grad((x: Tensor) => tf.sum(tf.pow(first(x), tf.scalar(3))));
    return [first(x), second(x)].map(({ dtype, shape, ...x }) =>
      ({ dtype, shape, data: tf.engine().readSync(x.dataId).slice() }) as NdArray
    ) as unknown as tf.TensorContainer;
  }) as unknown as NdArray[];
}

for (const [name, f] of Object.entries(CASES)) {
  testOnEager(`first and second gradient of ${name} are those of TensorFlow.js`, () => {
    const actual = gradients(f);
    // With the plain backend active, the gradients are TensorFlow.js's own again.
    tf.setBackend("cpu");
    const expected = gradients(f);
    tf.setBackend("tensorflow");
    actual.forEach((gradient, i) =>
      assertClose(gradient, expected[i]!, { relative: 2e-6, absolute: 1e-6 }, `${i + 1}`)
    );
  });
}

testOnEager("the gradient of relu is 0 at 0, and passes what comes", () => {
  const gradient = tf.tidy(() => tf.grad((x) => tf.mul(tf.relu(x), 3))(tf.tensor([-1, 0, 1])).dataSync());
  assertEquals([...gradient], [0, 0, 3]);
});
