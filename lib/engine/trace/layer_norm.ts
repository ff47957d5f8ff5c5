import { layerNormGradOf, layerNormOf } from "../layer_norm_kernels.ts";
import { type Tensor, tf } from "../tensorflow.ts";
import type { TraceKernel } from "./kernels.ts";
import { currentGraph, materialized, type TensorInfo, toSymbol, toTensorInfo } from "./symbols.ts";

/** z and r of the rows of x: ONNX's operator gives both in one pass; TensorFlow has none. */
function normalised(x: TensorInfo, epsilon: number): TensorInfo[] {
  const graph = currentGraph();
  if (graph.target.engine === "tensorflow") {
    return layerNormOf(tf, x as unknown as Tensor, { epsilon }) as unknown as TensorInfo[];
  }
  const width = x.shape.at(-1)!;
  // Operators on the same operands are made once, large constants are not.
  const vector = (value: number) => graph.node("Expand", [graph.scalar(value), graph.shape([width])]);
  const operands = [materialized(toSymbol(x), x.shape), vector(1), vector(0)];
  const [z, , r] = graph.nodes("LayerNormalization", operands, { epsilon: { float: epsilon } }, 3);
  const tensor = (name: string, shape: readonly number[]) =>
    toTensorInfo({ name, dims: [...shape], dtype: "float32", scale: 1 }, shape);
  return [tensor(z!, x.shape), tensor(r!, x.shape.with(-1, 1))];
}

/** How the normalisation of rows is written into the graph. */
export const layerNormKernels: Readonly<Record<string, TraceKernel>> = {
  LayerNorm: ({ x }, { epsilon }) => normalised(x!, epsilon),
  LayerNormGrad: ({ dz, x }, { epsilon }) => {
    const outputs = tf.engine().runKernel("LayerNorm", { x: x as unknown as Tensor }, { epsilon }) as unknown;
    const [z, r] = outputs as [Tensor, Tensor];
    return layerNormGradOf(tf, dz as unknown as Tensor, z, r) as unknown as TensorInfo;
  },
};
