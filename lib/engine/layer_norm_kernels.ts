import type * as TensorFlow from "@tensorflow/tfjs";
import type { Tensor } from "./tensorflow.ts";

/** What the kernels are told. */
export interface LayerNormAttributes {
  /** Added to the variance under the root. */
  readonly epsilon: number;
}

type Ops = Pick<typeof TensorFlow, "add" | "addN" | "mean" | "mul" | "rsqrt" | "square" | "sub">;

const rowMean = (tf: Ops, x: Tensor) => tf.mean(x, -1, true);

/** Rows with mean 0 and variance 1: z = (x - mean) r, and r = 1 / sqrt(variance + epsilon), of elementary operators. */
export function layerNormOf(tf: Ops, x: Tensor, { epsilon }: LayerNormAttributes): [z: Tensor, r: Tensor] {
  const centred = tf.sub(x, rowMean(tf, x));
  const r = tf.rsqrt(tf.add(rowMean(tf, tf.square(centred)), epsilon));
  return [tf.mul(centred, r), r];
}

/** dL/dx from dL/dz, of elementary operators: r (dz - mean(dz) - z mean(dz z)). */
export function layerNormGradOf(tf: Ops, dz: Tensor, z: Tensor, r: Tensor): Tensor {
  const rest = tf.add(tf.mul(z, rowMean(tf, tf.mul(dz, z))), rowMean(tf, dz));
  return tf.mul(tf.sub(dz, rest), r);
}

/**
 * Registers the normalisation of rows with TensorFlow.js as two kernels, `LayerNorm` (x -> z, r) and `LayerNormGrad`
 * (dz, x -> dx), whose gradients are closed forms. With the gradient v of dx and means over a row a = mean(dz),
 * b = mean(dz z), c = mean(v), d = mean(v z), e = mean(v dz):
 *
 * - ddz = r (v - c - z d)
 * - dx = -r^2 ((e - c a - 3 d b) z + b (v - c) + d (dz - a))
 *
 * r is for the kernels themselves: no gradient goes through it. A third derivative is not there.
 *
 * @param tf The TensorFlow.js module.
 */
export function registerLayerNorm(tf: typeof TensorFlow): void {
  const run = (kernel: string, inputs: object, attributes: object) =>
    tf.engine().runKernel(kernel, { ...inputs } as TensorFlow.NamedTensorMap, { ...attributes });
  const grad = (dz: Tensor, x: Tensor, attributes: object) => run("LayerNormGrad", { dz, x }, attributes) as Tensor;
  registerLayerNormKernels(tf, "cpu");
  tf.registerGradient({
    kernelName: "LayerNorm",
    inputsToSave: ["x"],
    gradFunc: (dys, [x], attributes) => ({ x: () => grad((dys as unknown as Tensor[])[0]!, x as Tensor, attributes) }),
  });
  tf.registerGradient({
    kernelName: "LayerNormGrad",
    inputsToSave: ["dz", "x"],
    gradFunc: (dy, saved, attributes) => {
      const v = dy as Tensor;
      const [dz, x] = saved as [Tensor, Tensor];
      return {
        dz: () => grad(v, x, attributes),
        x: () => {
          const [z, r] = run("LayerNorm", { x }, attributes) as Tensor[] as [Tensor, Tensor];
          const [a, b, c, d, e] = [dz, tf.mul(dz, z), v, tf.mul(v, z), tf.mul(v, dz)].map((each) =>
            rowMean(tf, each)
          ) as [Tensor, Tensor, Tensor, Tensor, Tensor];
          const slope = tf.sub(tf.sub(e, tf.mul(c, a)), tf.mul(tf.mul(d, b), 3));
          const rest = tf.add(tf.mul(b, c), tf.mul(d, a));
          const sum = tf.addN([tf.mul(z, slope), tf.mul(v, b), tf.mul(dz, d)]);
          return tf.mul(tf.sub(sum, rest), tf.mul(tf.square(r), -1));
        },
      };
    },
  });
}

/**
 * Registers the kernels of {@linkcode registerLayerNorm} for a backend that has no operator of its own for them.
 *
 * @param tf The TensorFlow.js module.
 * @param backendName Name of the backend.
 */
export function registerLayerNormKernels(tf: typeof TensorFlow, backendName: string): void {
  const settings = (attrs: unknown) => attrs as LayerNormAttributes;
  tf.registerKernel({
    kernelName: "LayerNorm",
    backendName,
    kernelFunc: ({ inputs, attrs }) => tf.tidy(() => layerNormOf(tf, inputs.x as Tensor, settings(attrs))),
  });
  tf.registerKernel({
    kernelName: "LayerNormGrad",
    backendName,
    kernelFunc: ({ inputs, attrs }) =>
      tf.tidy(() => {
        const [z, r] = layerNormOf(tf, inputs.x as Tensor, settings(attrs));
        return layerNormGradOf(tf, inputs.dz as Tensor, z, r);
      }),
  });
}
