import { maxPoolGradOf, maxPoolOf, maxPoolPickOf, maxPoolShape } from "../max_pool_kernels.ts";
import { type Tensor, tf } from "../tensorflow.ts";
import type { Attributes, TraceKernel } from "./kernels.ts";
import { currentGraph, materialized, sameShape, type TensorInfo, toSymbol, toTensorInfo, unscaled } from "./symbols.ts";

/** Windows of max-pooling. */
export interface MaxPoolGeometry {
  /** Shape of the image [B, H, W, C]. */
  readonly input: readonly number[];
  /** Shape of the largest numbers [B, H', W', C]. */
  readonly output: readonly number[];
  /** Side of a window. */
  readonly size: number;
  /** From one window to the next. */
  readonly stride: number;
  /** What is put on each side of the image. */
  readonly padding: number;
}

/** How an engine writes max-pooling, where it has operators for it that are faster than elementary ones. */
export interface MaxPoolWriter {
  /** y from x. */
  readonly forward?: (x: string, geometry: MaxPoolGeometry) => string;
  /** dL/dx from dL/dy and x: to the first of equals, row by row. */
  readonly gradient?: (dy: string, x: string, geometry: MaxPoolGeometry) => string;
  /** The numbers of v where the first of the largest of x are. */
  readonly pick?: (v: string, x: string, geometry: MaxPoolGeometry) => string;
}

const geometryOf = ({ shape }: TensorInfo, { size, stride, padding }: Attributes): MaxPoolGeometry => ({
  input: shape,
  output: maxPoolShape(shape, { size, stride, padding }),
  size,
  stride,
  padding,
});

/** x without a positive factor, which moves no maximum. */
function withoutFactor(x: TensorInfo): { readonly name: string; readonly scale: number } {
  const symbol = toSymbol(x);
  const bare = symbol.splat === undefined && symbol.scale > 0 && sameShape(symbol.dims, x.shape);
  return bare ? symbol : { name: materialized(symbol, x.shape), scale: 1 };
}

const made = (name: string, shape: readonly number[], scale: number) =>
  toTensorInfo({ name, dims: [...shape], dtype: "float32", scale }, shape);
const asTensor = (info: TensorInfo | undefined) => info as unknown as Tensor;
const asInfo = (tensor: Tensor) => tensor as unknown as TensorInfo;
const settings = ({ size, stride, padding }: Attributes) => ({ size, stride, padding });

/** A kernel that is linear in one argument, by the engine's operator or else of elementary ones. */
function linear(
  v: TensorInfo,
  x: TensorInfo,
  shape: readonly number[],
  write: ((v: string, x: string) => string) | undefined,
  compose: () => Tensor,
): TensorInfo {
  if (write === undefined) return asInfo(compose());
  const { name, scale } = unscaled(v);
  return made(write(name, withoutFactor(x).name), shape, scale);
}

/** How max-pooling is written into the graph. */
export const maxPoolKernels: Readonly<Record<string, TraceKernel>> = {
  MaxPool2D: ({ x }, attributes) => {
    const { forward } = currentGraph().target.maxPool ?? {};
    if (forward === undefined) return asInfo(maxPoolOf(tf, asTensor(x), settings(attributes)));
    const geometry = geometryOf(x!, attributes);
    const { name, scale } = withoutFactor(x!);
    return made(forward(name, geometry), geometry.output, scale);
  },
  MaxPool2DGrad: ({ dy, x }, attributes) => {
    const { gradient } = currentGraph().target.maxPool ?? {};
    const geometry = geometryOf(x!, attributes);
    const write = gradient && ((dy: string, x: string) => gradient(dy, x, geometry));
    const compose = () => maxPoolGradOf(tf, asTensor(dy), asTensor(x), settings(attributes));
    return linear(dy!, x!, geometry.input, write, compose);
  },
  MaxPool2DPick: ({ v, x }, attributes) => {
    const { pick } = currentGraph().target.maxPool ?? {};
    const geometry = geometryOf(x!, attributes);
    const write = pick && ((v: string, x: string) => pick(v, x, geometry));
    const compose = () => maxPoolPickOf(tf, asTensor(v), asTensor(x), settings(attributes));
    return linear(v!, x!, geometry.output, write, compose);
  },
};
