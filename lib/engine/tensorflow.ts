/**
 * The one place that imports TensorFlow.js: importing it registers the `cpu` backend and every gradient, and the
 * gradients that TensorFlow.js gets wrong in second order are repaired before anyone can use them.
 */
import * as tf from "@tensorflow/tfjs";
import { registerBatchNorm } from "./batch_norm_kernels.ts";
import { registerGelu } from "./gelu_kernels.ts";
import { registerGroupedConvolution } from "./grouped_convolution_kernels.ts";
import { registerLayerNorm } from "./layer_norm_kernels.ts";
import { registerMaxPool } from "./max_pool_kernels.ts";
import { repairSecondOrder } from "./second_order.ts";

repairSecondOrder(tf);
registerBatchNorm(tf);
registerGelu(tf);
registerGroupedConvolution(tf);
registerLayerNorm(tf);
registerMaxPool(tf);

// The cpu backend prints an advertisement at its first tensor, except in production mode.
tf.env().set("PROD", true);
tf.setBackend("cpu");
tf.scalar(0).dispose();
tf.env().set("PROD", false);

export { tf };

/** A TensorFlow.js tensor: inside a traced function a symbol, in the reference engine an array. */
export type Tensor = tf.Tensor;
