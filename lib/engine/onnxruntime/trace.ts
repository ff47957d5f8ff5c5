import { withoutDraws } from "../../core/mod.ts";
import type { Leaf } from "../engine.ts";
import { disposeKept } from "../grad.ts";
import { tf } from "../tensorflow.ts";
import { flatten, isLeaf, isTensor, mapTree } from "../tree.ts";
import type { EncodedGraph, GraphValue } from "./graph.ts";
import { registerTraceKernels } from "./kernels.ts";
import {
  beginTrace,
  endTrace,
  materialized,
  type TensorInfo,
  toSymbol,
  toTensorInfo,
  TRACE_BACKEND,
  traceBackend,
} from "./symbols.ts";

registerTraceKernels();

/** A traced function: an ONNX model and how to call it. */
export interface Trace extends EncodedGraph {
  /** Name in the graph of each leaf of the input, in the order of its tree; undefined where the outputs ignore it. */
  readonly inputs: readonly (string | undefined)[];
  /** Each output, in the order of its tree. */
  readonly outputs: readonly GraphValue[];
  /** Makes a tree of the form of the output from its leaves. */
  readonly toTree: <T>(leaves: readonly T[]) => unknown;
}

/**
 * Runs a function once with symbols in place of its inputs and writes what it does into an ONNX model.
 *
 * @param fn From a tree of tensors to a tree of tensors.
 * @param inputs A tree of arrays or values, whose shapes and dtypes alone matter.
 * @param options name for error messages; blockSize of the channel-blocked convolutions, 0 for none.
 * @returns The model.
 * @throws {TypeError} If the function draws random numbers, reads a value, or uses an operator that is not covered.
 */
export function trace(
  fn: (inputs: unknown) => unknown,
  inputs: unknown,
  { name, blockSize }: { readonly name: string; readonly blockSize: number },
): Trace {
  const before = tf.getBackend();
  tf.setBackend(TRACE_BACKEND);
  const graph = beginTrace(blockSize);
  const engine = tf.engine();
  engine.startScope(name);
  try {
    const names: string[] = [];
    const tensors = mapTree(inputs, isLeaf, ({ dtype, shape }: Leaf) => {
      const input = graph.input({ name: `x${names.length}`, dtype, shape });
      names.push(input);
      const { dataId } = toTensorInfo({ name: input, dims: shape, dtype, scale: 1 }, shape);
      return engine.makeTensorFromDataId(dataId, [...shape], dtype, traceBackend);
    });
    const tree = withoutDraws(name, () => fn(tensors));
    const used = new Set(names);
    const outputs = flatten(tree, isTensor).map(([, tensor]): GraphValue => {
      const info = tensor as unknown as TensorInfo;
      let output = materialized(toSymbol(info), info.shape);
      // An output needs a name of its own: not an input's, a constant's, nor another output's.
      if (used.has(output) || output.startsWith("c")) output = graph.identity(output);
      used.add(output);
      return { name: output, dtype: info.dtype, shape: [...info.shape] };
    });
    const encoded = graph.encode(outputs);
    const skeleton = mapTree(tree, isTensor, () => true);
    return {
      ...encoded,
      inputs: names.map((input) => encoded.liveInputs.has(input) ? input : undefined),
      outputs,
      toTree: (leaves) => {
        let next = 0;
        return mapTree(skeleton, (node): node is boolean => node === true, () => leaves[next++]);
      },
    };
  } finally {
    engine.endScope();
    disposeKept();
    endTrace();
    if (before !== TRACE_BACKEND) tf.setBackend(before || "cpu");
  }
}
