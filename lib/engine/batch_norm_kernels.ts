import type * as TensorFlow from "@tensorflow/tfjs";
import type { Tensor } from "./tensorflow.ts";

/** What a kernel of batch normalisation is told. */
export interface BatchNormAttributes {
  /** Added to the variance under the root. */
  readonly epsilon: number;
}

/** x, gamma, beta -> y, mean, variance. */
export interface BatchNormInputs {
  readonly x: Tensor;
  readonly gamma: Tensor;
  readonly beta: Tensor;
}

/** dL/dy and what the forward pass had -> dL/dx, dL/dgamma, dL/dbeta. */
export interface BatchNormGradInputs {
  readonly dy: Tensor;
  readonly x: Tensor;
  readonly gamma: Tensor;
  readonly mean: Tensor;
  readonly variance: Tensor;
}

type Kernels = Pick<typeof TensorFlow, "add" | "mean" | "mul" | "rsqrt" | "square" | "sub" | "sum">;
const PIXELS = [0, 1, 2];

/**
 * Batch normalisation by the statistics of the batch, of elementary operators.
 *
 * @param tf TensorFlow.js.
 * @returns y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, mean and (biased) variance per channel.
 */
export function batchNormOf(
  tf: Kernels,
  { x, gamma, beta }: BatchNormInputs,
  { epsilon }: BatchNormAttributes,
): [y: Tensor, mean: Tensor, variance: Tensor] {
  // mean(x^2) - mean(x)^2 would spare a pass but cancels where the mean is large beside the spread (and can be
  // negative). The centred values serve twice, for the variance and for the output.
  const mean = tf.mean(x, PIXELS);
  const centred = tf.sub(x, mean);
  const variance = tf.mean(tf.square(centred), PIXELS);
  const scale = tf.mul(gamma, tf.rsqrt(tf.add(variance, epsilon)));
  return [tf.add(tf.mul(centred, scale), beta), mean, variance];
}

/**
 * The gradients of {@linkcode batchNormOf}, of elementary operators: with r = 1 / sqrt(variance + epsilon),
 * z = (x - mean) r and means over the pixels of a channel, dx = gamma r (dy - mean(dy) - z mean(dy z)).
 */
export function batchNormGradOf(
  tf: Kernels,
  { dy, x, gamma, mean, variance }: BatchNormGradInputs,
  { epsilon }: BatchNormAttributes,
): [dx: Tensor, dgamma: Tensor, dbeta: Tensor] {
  const pixels = x.size / x.shape[3]!;
  const r = tf.rsqrt(tf.add(variance, epsilon));
  const dbeta = tf.sum(dy, PIXELS);
  const dgamma = tf.mul(tf.sum(tf.mul(dy, tf.sub(x, mean)), PIXELS), r);
  // k (dy - dbeta/N) + l (x - mean): the terms per channel are put together first.
  const k = tf.mul(gamma, r);
  const l = tf.mul(tf.mul(k, r), tf.mul(dgamma, -1 / pixels));
  const rest = tf.add(tf.mul(tf.mul(k, dbeta), 1 / pixels), tf.mul(l, mean));
  return [tf.sub(tf.add(tf.mul(dy, k), tf.mul(x, l)), rest), dgamma, dbeta];
}

/**
 * Registers batch normalisation with TensorFlow.js as two kernels, `BatchNorm` and `BatchNormGrad`, so that a library
 * can do each in one operator, with their gradients. Left to TensorFlow.js, a pass of elementary operators over the
 * images is made for every term of the second derivative.
 *
 * Both gradients are complete: those of the mean and the variance count, and so do those of dgamma and dbeta. With the
 * gradients v of dx, p of dgamma and q of dbeta; r, z, N as in {@linkcode batchNormGradOf}; a = mean(dy), b = mean(dy z),
 * c = mean(v), d = mean(v z), e = mean(v dy):
 *
 * - ddy = gamma r (v - c - z d) + p z + q
 * - dgamma = N r (e - c a - d b)
 * - dx = k1 (x - mean) + k2 (v - c) + k3 (dy - a), k2 = -gamma r^2 b, k3 = -gamma r^2 d + p r,
 *   k1 = -gamma r^3 (e - c a - 3 d b) - p r^2 b
 *
 * The mean and variance that `BatchNormGrad` takes are those of its x; its derivative by x counts them. A third
 * derivative is not there: TensorFlow.js cuts off what a gradient saves of its own outputs.
 *
 * @param tf The TensorFlow.js module.
 */
export function registerBatchNorm(tf: typeof TensorFlow): void {
  const run = (kernel: string, inputs: object, attributes: BatchNormAttributes): Tensor[] =>
    tf.engine().runKernel(kernel, { ...inputs } as TensorFlow.NamedTensorMap, { ...attributes }) as Tensor[];
  registerBatchNormKernels(tf, "cpu");
  tf.registerGradient({
    kernelName: "BatchNorm",
    inputsToSave: ["x", "gamma"],
    outputsToSave: [false, true, true],
    gradFunc: (dys, saved, attributes) => {
      const [dy, dMean, dVariance] = dys as Tensor[];
      const [x, gamma, mean, variance] = saved as [Tensor, Tensor, Tensor, Tensor];
      const pixels = x.size / x.shape[3]!;
      // Run here, once: each of the functions below is called in a scope of its own.
      const [dx, dgamma, dbeta] = run(
        "BatchNormGrad",
        { dy, x, gamma, mean, variance },
        attributes as unknown as BatchNormAttributes,
      );
      return {
        x: () => {
          const byVariance = tf.mul(tf.sub(x, mean), tf.mul(dVariance!, 2 / pixels));
          return tf.add(tf.add(dx!, byVariance), tf.mul(dMean!, 1 / pixels));
        },
        gamma: () => tf.clone(dgamma!),
        beta: () => tf.clone(dbeta!),
      };
    },
  });
  tf.registerGradient({
    kernelName: "BatchNormGrad",
    inputsToSave: ["dy", "x", "gamma", "mean", "variance"],
    outputsToSave: [false, true, true],
    gradFunc: (dys, saved, given) => {
      const attributes = given as unknown as BatchNormAttributes;
      const [v, p, q] = dys as [Tensor, Tensor, Tensor];
      const [dy, x, gamma, mean, variance, dgamma, dbeta] = saved as [
        Tensor,
        Tensor,
        Tensor,
        Tensor,
        Tensor,
        Tensor,
        Tensor,
      ];
      const pixels = x.size / x.shape[3]!;
      const [vx, vGamma, vBeta] = run("BatchNormGrad", { dy: v, x, gamma, mean, variance }, attributes);
      const r = tf.rsqrt(tf.add(variance, attributes.epsilon));
      const a = tf.mul(dbeta, 1 / pixels);
      const b = tf.mul(dgamma, 1 / pixels);
      const c = tf.mul(vBeta!, 1 / pixels);
      const d = tf.mul(vGamma!, 1 / pixels);
      const e = tf.mean(tf.mul(v, dy), PIXELS);
      const covariance = tf.sub(e, tf.mul(c, a));
      const bd = tf.mul(b, d);
      return {
        dy: () => {
          // p z + q, the terms per channel put together first.
          const slope = tf.mul(p, r);
          return tf.add(tf.add(vx!, tf.mul(x, slope)), tf.sub(q, tf.mul(mean, slope)));
        },
        x: () => {
          const k = tf.mul(gamma, tf.mul(tf.square(r), -1));
          const pr = tf.mul(p, r);
          const k1 = tf.sub(
            tf.mul(tf.mul(k, r), tf.sub(covariance, tf.mul(bd, 3))),
            tf.mul(tf.mul(pr, r), b),
          );
          const k2 = tf.mul(k, b);
          const k3 = tf.add(tf.mul(k, d), pr);
          const rest = tf.add(tf.add(tf.mul(k1, mean), tf.mul(k2, c)), tf.mul(k3, a));
          return tf.addN([tf.sub(tf.mul(x, k1), rest), tf.mul(v, k2), tf.mul(dy, k3)]);
        },
        gamma: () => tf.mul(tf.mul(tf.sub(covariance, bd), r), pixels),
        mean: () => tf.zerosLike(mean),
        variance: () => tf.zerosLike(variance),
      };
    },
  });
}

/**
 * Registers the kernels of batch normalisation for a backend that has no operator of its own for them.
 *
 * @param tf The TensorFlow.js module.
 * @param backendName Name of the backend.
 */
export function registerBatchNormKernels(tf: typeof TensorFlow, backendName: string): void {
  tf.registerKernel({
    kernelName: "BatchNorm",
    backendName,
    kernelFunc: ({ inputs, attrs }) =>
      batchNormOf(tf, inputs as unknown as BatchNormInputs, attrs as unknown as BatchNormAttributes),
  });
  tf.registerKernel({
    kernelName: "BatchNormGrad",
    backendName,
    kernelFunc: ({ inputs, attrs }) =>
      batchNormGradOf(tf, inputs as unknown as BatchNormGradInputs, attrs as unknown as BatchNormAttributes),
  });
}
