import type * as TensorFlow from "@tensorflow/tfjs";
import type { Tensor } from "./tensorflow.ts";

/** What the kernels are told. */
export interface GeluAttributes {
  /** "none": with the normal distribution function itself; "tanh": with a hyperbolic tangent near it. */
  readonly approximate: "none" | "tanh";
}

type Ops = Pick<typeof TensorFlow, "add" | "erf" | "exp" | "mul" | "square" | "sub" | "tanh">;

const K = Math.sqrt(2 / Math.PI);
const A = 0.044715;

/** Phi(x), the normal distribution function. */
const distribution = (tf: Ops, x: Tensor) => tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);
/** phi(x), its density. */
const density = (tf: Ops, x: Tensor) => tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
/** tanh(u), u = K (x + A x^3). */
const tangent = (tf: Ops, x: Tensor) => tf.tanh(tf.mul(tf.mul(x, tf.add(tf.mul(tf.square(x), A), 1)), K));
/** du/dx. */
const slope = (tf: Ops, x: Tensor) => tf.mul(tf.add(tf.mul(tf.square(x), 3 * A), 1), K);

/** g(x) = x Phi(x), or x (1 + tanh(u)) / 2. */
export function geluOf(tf: Ops, x: Tensor, { approximate }: GeluAttributes): Tensor {
  return tf.mul(x, approximate === "none" ? distribution(tf, x) : tf.mul(tf.add(tangent(tf, x), 1), 0.5));
}

/** g'(x) = Phi(x) + x phi(x), or (1 + t) / 2 + x (1 - t^2) u' / 2, t = tanh(u). */
export function geluGradOf(tf: Ops, x: Tensor, { approximate }: GeluAttributes): Tensor {
  if (approximate === "none") return tf.add(distribution(tf, x), tf.mul(x, density(tf, x)));
  const t = tangent(tf, x);
  const rise = tf.mul(tf.sub(1, tf.square(t)), slope(tf, x));
  return tf.mul(tf.add(tf.add(t, 1), tf.mul(x, rise)), 0.5);
}

/** g''(x) = phi(x) (2 - x^2), or (1 - t^2) (u' + x (u'' / 2 - t u'^2)), u'' = 6 K A x. */
function geluCurvatureOf(tf: Ops, x: Tensor, { approximate }: GeluAttributes): Tensor {
  if (approximate === "none") return tf.mul(density(tf, x), tf.sub(2, tf.square(x)));
  const t = tangent(tf, x);
  const rise = slope(tf, x);
  const bend = tf.sub(tf.mul(x, 3 * K * A), tf.mul(t, tf.square(rise)));
  return tf.mul(tf.sub(1, tf.square(t)), tf.add(rise, tf.mul(x, bend)));
}

/**
 * Registers the Gaussian error linear unit with TensorFlow.js as two kernels, `Gelu` and `GeluGrad`, whose gradients are
 * closed forms of x. Of elementary operators, TensorFlow.js makes three times the passes for a second derivative.
 *
 * @param tf The TensorFlow.js module.
 */
export function registerGelu(tf: typeof TensorFlow): void {
  registerGeluKernels(tf, "cpu");
  const register = (kernelName: string, derivative: (x: Tensor, attributes: GeluAttributes) => Tensor) =>
    tf.registerGradient({
      kernelName,
      inputsToSave: ["x"],
      gradFunc: (dy, [x], attributes) => ({
        x: () => tf.mul(dy as Tensor, derivative(x as Tensor, attributes as unknown as GeluAttributes)),
      }),
    });
  register("Gelu", (x, attributes) => tf.engine().runKernel("GeluGrad", { x }, { ...attributes }) as Tensor);
  register("GeluGrad", (x, attributes) => geluCurvatureOf(tf, x, attributes));
}

/**
 * Registers the kernels of {@linkcode registerGelu} for a backend.
 *
 * @param tf The TensorFlow.js module.
 * @param backendName Name of the backend.
 */
export function registerGeluKernels(tf: typeof TensorFlow, backendName: string): void {
  for (const [kernelName, kernel] of Object.entries({ Gelu: geluOf, GeluGrad: geluGradOf })) {
    tf.registerKernel({
      kernelName,
      backendName,
      kernelFunc: ({ inputs, attrs }) =>
        tf.tidy(() => kernel(tf, inputs.x as Tensor, attrs as unknown as GeluAttributes)),
    });
  }
}
