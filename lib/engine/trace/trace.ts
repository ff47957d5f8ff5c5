import { withoutDraws } from "../../core/mod.ts";
import type { Leaf } from "../engine.ts";
import { disposeKept } from "../grad.ts";
import { tf } from "../tensorflow.ts";
import { flatten, isLeaf, isTensor, mapTree } from "../tree.ts";
import type { GraphValue, LiveGraph, Target } from "./graph.ts";
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

/** A traced function: its graph and how to call it. */
export interface Trace {
  /** What the outputs need of the graph. */
  readonly graph: LiveGraph;
  /** Floating-point operations of convolutions and matrix products. */
  readonly flops: number;
  /** Name in the graph of each leaf of the input, in the order of its tree; undefined where the outputs ignore it. */
  readonly inputs: readonly (string | undefined)[];
  /** Each output, in the order of its tree. */
  readonly outputs: readonly GraphValue[];
  /** Makes a tree of the form of the output from its leaves. */
  readonly toTree: <T>(leaves: readonly T[]) => unknown;
}

/**
 * Runs a function once with symbols in place of its inputs and writes what it does into a graph.
 *
 * @param fn From a tree of tensors to a tree of tensors.
 * @param inputs A tree of arrays or values, whose shapes and dtypes alone matter.
 * @param options name for error messages; target: the engine that the graph is for.
 * @returns The graph.
 * @throws {TypeError} If the function draws random numbers, reads a value, or uses an operator that is not covered.
 */
export function trace(
  fn: (inputs: unknown) => unknown,
  inputs: unknown,
  { name, target }: { readonly name: string; readonly target: Target },
): Trace {
  const before = tf.getBackend();
  tf.setBackend(TRACE_BACKEND);
  const graph = beginTrace(target);
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
    const live = graph.live(outputs);
    const liveInputs = new Set(live.inputs.map(({ name }) => name));
    const skeleton = mapTree(tree, isTensor, () => true);
    return {
      graph: live,
      flops: live.nodes.reduce((total, node) => total + node.flops, 0),
      inputs: names.map((input) => liveInputs.has(input) ? input : undefined),
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
