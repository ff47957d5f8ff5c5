import { tf } from "../../tensorflow.ts";
import type { Tensor } from "../../tensorflow.ts";
import { EAGER_BACKEND, type EagerKernelBackend } from "./_backend.ts";
import type { OpAttribute } from "./binding.ts";

type Attributes = tf.NamedAttrMap;

let registered = false;

/**
 * Gives three gradients a form on this backend that is one operator of the library. TensorFlow.js makes an array of
 * ones in JavaScript for the first two, and casts and multiplies for the third; a step takes half to nine tenths of the
 * time without. On other backends the gradients stay as they are.
 *
 * - Sum: dx = dy, broadcast
 * - Mean: dx = dy / n, broadcast
 * - Relu: dx = dy where x > 0, else 0
 *
 * They can be differentiated again: the gradient of a broadcast is TensorFlow.js's own, a sum; that of dx of Relu by dy
 * is of the same form, and by x it is 0. Calling it twice is harmless.
 */
export function registerLeanGradients(): void {
  if (registered) return;
  registered = true;
  registerKernel("BroadcastTo", ({ x }, { shape }, backend) => {
    const lengths = tf.tensor1d(shape as number[], "int32");
    const y = backend.executeSingleOutput("BroadcastTo", [type(backend, "T"), type(backend, "Tidx", "int32")], [
      x!,
      lengths,
    ]);
    lengths.dispose();
    return y;
  });
  registerKernel(
    "ReluGrad",
    ({ dy, x }, _, backend) => backend.executeSingleOutput("ReluGrad", [type(backend, "T")], [dy!, x!]),
  );
  tf.registerGradient({
    kernelName: "ReluGrad",
    inputsToSave: ["x"],
    gradFunc: (ddy, [x]) => ({ dy: () => reluGradient(ddy as Tensor, x!), x: () => tf.zerosLike(x!) }),
  });
  replace("Sum", (dy, x, { axis }) => broadcast(dy, x, axis as number[]));
  replace("Mean", (dy, x, { axis }) => {
    const lengths = tf.util.parseAxisParam(axis as number[], x.shape).map((index) => x.shape[index]!);
    return broadcast(tf.div(dy, tf.util.sizeFromShape(lengths)), x, axis as number[]);
  });
  replace("Relu", reluGradient);
}

const reluGradient = (dy: Tensor, x: Tensor): Tensor => tf.engine().runKernel("ReluGrad", { dy, x }) as Tensor;

/** The gradient of a reduction by axes, as every element of x sees it. */
function broadcast(dy: Tensor, x: Tensor, axis: number[]): Tensor {
  const inputShape = x.shape.slice();
  for (const index of tf.util.parseAxisParam(axis, x.shape)) inputShape[index] = 1;
  const inputs = { x: tf.reshape(dy, inputShape) };
  return tf.engine().runKernel("BroadcastTo", inputs, { shape: x.shape, inputShape }) as Tensor;
}

function type(backend: EagerKernelBackend, name: string, dtype: tf.DataType = "float32"): OpAttribute {
  return { name, type: backend.binding.TF_ATTR_TYPE, value: backend.getDTypeInteger(dtype) };
}

function registerKernel(
  kernelName: string,
  kernel: (inputs: tf.NamedTensorInfoMap, attributes: Attributes, backend: EagerKernelBackend) => Tensor,
): void {
  tf.registerKernel({
    kernelName,
    backendName: EAGER_BACKEND,
    kernelFunc: ({ inputs, attrs, backend }) => kernel(inputs, attrs ?? {}, backend as EagerKernelBackend),
  });
}

/** Puts a gradient in place of TensorFlow.js's where this backend is the active one. */
function replace(kernelName: string, gradient: (dy: Tensor, x: Tensor, attributes: Attributes) => Tensor): void {
  const elsewhere = tf.getGradient(kernelName);
  tf.unregisterGradient(kernelName);
  tf.registerGradient({
    ...elsewhere,
    gradFunc: (dy, saved, attributes) =>
      tf.getBackend() === EAGER_BACKEND
        ? { x: () => gradient(dy as Tensor, saved[0]!, attributes) }
        : elsewhere.gradFunc(dy, saved, attributes),
  });
}
