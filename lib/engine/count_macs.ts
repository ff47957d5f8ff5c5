import type { DType } from "../core/mod.ts";
import { type ConvolutionWriter, flopsOf } from "./trace/convolutions.ts";
import { currentGraph } from "./trace/symbols.ts";
import { trace } from "./trace/trace.ts";
import type { MapTensors } from "./tree.ts";

/** Type and shape of an array, without the array. */
export interface ArraySpec {
  /** Element type. */
  readonly dtype: DType;
  /** Length of each axis. */
  readonly shape: readonly number[];
}

/**
 * Counts the multiply-accumulates of a function's convolutions and matrix products; nothing is computed. What is
 * computed twice from the same is counted once.
 *
 * @param fn A pure function from a tree of tensors to a tree of tensors.
 * @param inputs Type and shape of each input.
 * @returns The count, exact.
 * @throws {TypeError} If the function draws random numbers, reads a value, or uses an operator that is not covered.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { countMacs, matMul, type Tensor } from "@kdiga/kdiga";
 *
 * const product = ({ x, w }: { x: Tensor; w: Tensor }) => matMul(x, w);
 * const shapes = { x: { dtype: "float32", shape: [8, 3] }, w: { dtype: "float32", shape: [3, 5] } } as const;
 * assertEquals(countMacs(product, shapes), 120);
 * ```
 */
export function countMacs<I>(fn: (inputs: I) => unknown, inputs: MapTensors<I, ArraySpec>): number {
  const target = { engine: "tensorflow", convolutions: counted, blockSize: 0 } as const;
  return trace(fn as (inputs: unknown) => unknown, inputs, { name: "countMacs", target }).flops / 2;
}

const { forward, inputGradient, filterGradient }: Omit<ConvolutionWriter, "grouped"> = {
  forward: (x, w, g) => currentGraph().node("Conv", [x, w], attributesOf(g.stride, g.pads), { flops: flopsOf(g) }),
  inputGradient: (dy, w, g) => {
    const attributes = { ...attributesOf(g.stride, g.pads), shape: g.input };
    return currentGraph().node("ConvInputGradient", [dy, w], attributes, { flops: flopsOf(g) });
  },
  filterGradient: (x, dy, g) => {
    const attributes = { ...attributesOf(g.stride, g.pads), shape: g.filter };
    return currentGraph().node("ConvFilterGradient", [x, dy], attributes, { flops: flopsOf(g) });
  },
};
const counted: ConvolutionWriter = {
  forward,
  inputGradient,
  filterGradient,
  grouped: { forward, inputGradient, filterGradient },
};

function attributesOf(stride: readonly number[], pads: readonly number[]) {
  return { stride: [...stride], pads: [...pads] };
}
