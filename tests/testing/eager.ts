import { assertEquals } from "@std/assert";
import type { NdArray } from "../../lib/core/mod.ts";
import { disposeKept, type EagerBackend, type Engine, useTensorflow } from "../../lib/engine/mod.ts";
import { tf } from "../../lib/engine/tensorflow.ts";
import { isLeaf, isTensor, mapTree } from "../../lib/engine/tree.ts";
import { TENSORFLOW_LIBRARY } from "./engines.ts";

/** What runs a function at once on the active backend of TensorFlow.js, with the face of an engine. */
export const EAGER: Pick<Engine, "compile" | "read"> = {
  compile: ((fn: (inputs: unknown) => unknown) => (inputs: unknown) => {
    const run = () => mapTree(fn(mapTree(inputs, isLeaf, toTensor)), isTensor, toArray);
    try {
      return Promise.resolve(tf.tidy(run as () => tf.TensorContainer));
    } finally {
      disposeKept();
    }
  }) as unknown as Engine["compile"],
  read: (array) => Promise.resolve(array as NdArray),
};

/**
 * Declares a test on the eager backend of libtensorflow, which must have as many tensors at the end as at the
 * beginning. Ignored where this machine has no TensorFlow library.
 */
export function testOnEager(name: string, body: (backend: EagerBackend) => void | Promise<void>): void {
  const fn = async () => {
    using backend = await useTensorflow({ library: TENSORFLOW_LIBRARY! });
    const before = tf.memory().numTensors;
    await body(backend);
    assertEquals(
      { ours: tf.memory().numTensors, ...backend.memory() },
      { ours: before, tensors: 0 },
      "tensors are left",
    );
  };
  Deno.test({ name: `${name} (tensorflow, eager)`, ignore: TENSORFLOW_LIBRARY === undefined, fn });
}

const toTensor = (leaf: unknown): tf.Tensor => {
  const { dtype, shape, data } = leaf as NdArray;
  return tf.tensor(data, [...shape], dtype);
};

const toArray = (tensor: tf.Tensor): NdArray =>
  ({ dtype: tensor.dtype, shape: tensor.shape, data: tensor.dataSync() }) as NdArray;
