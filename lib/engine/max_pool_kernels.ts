import type * as TensorFlow from "@tensorflow/tfjs";
import type { Tensor } from "./tensorflow.ts";
import { countWindows, sumWindows, windowElements, type Windows } from "./windows.ts";

/** What the kernels are told: square windows, and what is put on each side of an image. */
export type MaxPoolAttributes = Omit<Windows, "axis">;

type Ops =
  & Pick<typeof TensorFlow, "addN" | "concat" | "equal" | "maximum" | "pad" | "reshape" | "slice" | "sub" | "where">
  & Pick<typeof TensorFlow, "zeros" | "zerosLike">;

const FLOAT32_MAX = 3.4028234663852886e38;
const [ROWS, COLUMNS] = [1, 2];

/** Shape of the largest numbers of an image's windows. */
export function maxPoolShape(
  [batch, height, width, channels]: readonly number[],
  windows: MaxPoolAttributes,
): number[] {
  return [batch!, countWindows(height!, windows), countWindows(width!, windows), channels!];
}

/** The largest number of each window, of elementary operators. */
export function maxPoolOf(tf: Ops, x: Tensor, windows: MaxPoolAttributes): Tensor {
  return alongRows(tf, alongColumns(tf, x, windows).largest, windows).largest;
}

/** Each dy added to where the first of the largest numbers of its window is, of elementary operators. */
export function maxPoolGradOf(tf: Ops, dy: Tensor, x: Tensor, windows: MaxPoolAttributes): Tensor {
  const columns = alongColumns(tf, x, windows);
  const rows = alongRows(tf, columns.largest, windows);
  return spread(tf, spread(tf, dy, rows, columns.largest.shape[ROWS]!), columns, x.shape[COLUMNS]!);
}

/** The number of v where the first of the largest numbers of x is in each window, of elementary operators. */
export function maxPoolPickOf(tf: Ops, v: Tensor, x: Tensor, windows: MaxPoolAttributes): Tensor {
  const columns = alongColumns(tf, x, windows);
  return pick(tf, pick(tf, v, columns), alongRows(tf, columns.largest, windows));
}

interface Reduced {
  readonly windows: Windows;
  readonly elements: readonly Tensor[];
  readonly largest: Tensor;
}

function along(tf: Ops, x: Tensor, windows: Windows): Reduced {
  const elements = windowElements(tf, x, windows, -FLOAT32_MAX);
  return { windows, elements, largest: elements.reduce((a, b) => tf.maximum(a, b)) };
}

// Columns first: of equals, the first of the first row is then the first.
const alongColumns = (tf: Ops, x: Tensor, windows: MaxPoolAttributes) => along(tf, x, { ...windows, axis: COLUMNS });
const alongRows = (tf: Ops, x: Tensor, windows: MaxPoolAttributes) => along(tf, x, { ...windows, axis: ROWS });

function spread(tf: Ops, dy: Tensor, { windows, elements, largest }: Reduced, length: number): Tensor {
  let rest = dy;
  const parts = elements.slice(0, -1).map((element) => {
    const part = tf.where(tf.equal(element, largest), rest, tf.zerosLike(rest));
    rest = tf.sub(rest, part);
    return part;
  });
  return sumWindows(tf, [...parts, rest], length, windows);
}

function pick(tf: Ops, v: Tensor, { windows, elements, largest }: Reduced): Tensor {
  return windowElements(tf, v, windows).reduceRight((later, at, t) =>
    tf.where(tf.equal(elements[t]!, largest), at, later)
  );
}

/**
 * Registers max-pooling with TensorFlow.js as three kernels, `MaxPool2D` (x -> y), `MaxPool2DGrad` (dy, x -> dx) and
 * `MaxPool2DPick` (v, x -> the numbers of v where the largest of x are). The latter two are linear in their first
 * argument and each other's adjoint, and almost everywhere constant in x: so derivatives of every order are there.
 *
 * @param tf The TensorFlow.js module.
 */
export function registerMaxPool(tf: typeof TensorFlow): void {
  registerMaxPoolKernels(tf, "cpu");
  const run = (kernel: string, inputs: object, attributes: unknown) =>
    tf.engine().runKernel(kernel, { ...inputs } as TensorFlow.NamedTensorMap, { ...attributes as object }) as Tensor;
  tf.registerGradient({
    kernelName: "MaxPool2D",
    inputsToSave: ["x"],
    gradFunc: (dy, [x], attributes) => ({ x: () => run("MaxPool2DGrad", { dy, x }, attributes) }),
  });
  const registerLinear = (kernelName: string, input: string, adjoint: (v: Tensor, x: Tensor, a: unknown) => Tensor) =>
    tf.registerGradient({
      kernelName,
      inputsToSave: ["x"],
      gradFunc: (v, [x], attributes) => ({
        [input]: () => adjoint(v as Tensor, x as Tensor, attributes),
        x: () => tf.zerosLike(x as Tensor),
      }),
    });
  registerLinear("MaxPool2DGrad", "dy", (v, x, attributes) => run("MaxPool2DPick", { v, x }, attributes));
  registerLinear("MaxPool2DPick", "v", (dy, x, attributes) => run("MaxPool2DGrad", { dy, x }, attributes));
}

/**
 * Registers the kernels of {@linkcode registerMaxPool} for a backend that has no operator of its own for them.
 *
 * @param tf The TensorFlow.js module.
 * @param backendName Name of the backend.
 */
export function registerMaxPoolKernels(tf: typeof TensorFlow, backendName: string): void {
  const register = (
    kernelName: string,
    kernel: (inputs: Readonly<Record<string, Tensor>>, windows: MaxPoolAttributes) => Tensor,
  ) =>
    tf.registerKernel({
      kernelName,
      backendName,
      kernelFunc: ({ inputs, attrs }) =>
        tf.tidy(() => kernel(inputs as Record<string, Tensor>, attrs as unknown as MaxPoolAttributes)),
    });
  register("MaxPool2D", ({ x }, windows) => maxPoolOf(tf, x!, windows));
  register("MaxPool2DGrad", ({ dy, x }, windows) => maxPoolGradOf(tf, dy!, x!, windows));
  register("MaxPool2DPick", ({ v, x }, windows) => maxPoolPickOf(tf, v!, x!, windows));
}
