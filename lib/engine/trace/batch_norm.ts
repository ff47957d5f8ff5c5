import { sizeOf } from "../../core/mod.ts";
import { type BatchNormGradInputs, batchNormGradOf, type BatchNormInputs, batchNormOf } from "../batch_norm_kernels.ts";
import { tf } from "../tensorflow.ts";
import type { TraceKernel } from "./kernels.ts";
import { currentGraph, materialized, type TensorInfo, toSymbol, toTensorInfo } from "./symbols.ts";

/** Name of a tensor's value, factor and broadcast applied. */
const whole = (tensor: TensorInfo) => materialized(toSymbol(tensor), tensor.shape);
const vector = (name: string, channels: number, scale = 1) =>
  toTensorInfo({ name, dims: [channels], dtype: "float32", scale }, [channels]);

/** How batch normalisation is written into the graph: as TensorFlow's own operator, or of elementary ones. */
export const batchNormKernels: Readonly<Record<string, TraceKernel>> = {
  BatchNorm: (inputs, { epsilon }) => {
    const graph = currentGraph();
    if (graph.target.engine !== "tensorflow") {
      return batchNormOf(tf, inputs as unknown as BatchNormInputs, { epsilon }) as unknown as TensorInfo[];
    }
    const { x, gamma, beta } = inputs;
    const channels = x!.shape[3]!;
    const pixels = sizeOf(x!.shape) / channels;
    const [y, mean, variance] = graph.nodes("FusedBatchNorm", [whole(x!), whole(gamma!), whole(beta!)], {
      epsilon: { float: epsilon },
    }, 6);
    return [
      toTensorInfo({ name: y!, dims: x!.shape, dtype: "float32", scale: 1 }, x!.shape),
      vector(mean!, channels),
      // The operator's variance is the unbiased one.
      vector(variance!, channels, pixels > 1 ? (pixels - 1) / pixels : 1),
    ];
  },
  BatchNormGrad: (inputs, { epsilon }) => {
    const graph = currentGraph();
    const { dy, x, gamma, mean } = inputs;
    // What the forward operator kept for its gradient, whose form is the device's own affair.
    const forward = graph.producerOf(toSymbol(mean!).name);
    if (forward?.op !== "FusedBatchNorm" || forward.inputs[0] !== whole(x!)) {
      return batchNormGradOf(tf, inputs as unknown as BatchNormGradInputs, { epsilon }) as unknown as TensorInfo[];
    }
    const channels = x!.shape[3]!;
    const operands = [whole(dy!), whole(x!), whole(gamma!), ...forward.outputs.slice(3)];
    const [dx, dgamma, dbeta] = graph.nodes("FusedBatchNormGrad", operands, { epsilon: { float: epsilon } }, 5);
    return [
      toTensorInfo({ name: dx!, dims: x!.shape, dtype: "float32", scale: 1 }, x!.shape),
      vector(dgamma!, channels),
      vector(dbeta!, channels),
    ];
  },
};
