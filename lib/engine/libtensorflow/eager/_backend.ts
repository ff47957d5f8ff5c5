import type { tf } from "../../tensorflow.ts";
import type { Binding, OpAttribute } from "./binding.ts";

/** Name of the backend: the kernels of the package look for it under this one. */
export const EAGER_BACKEND = "tensorflow";

/** The package's backend (`NodeJSKernelBackend`): it turns kernels into calls of the binding. */
export type EagerKernelBackend = tf.KernelBackend & {
  readonly binding: Binding;
  /** Number of an element type in the library. */
  getDTypeInteger(dtype: tf.DataType): number;
  /** Runs an operator with one output. */
  executeSingleOutput(name: string, attributes: readonly OpAttribute[], inputs: readonly tf.TensorInfo[]): tf.Tensor;
};
