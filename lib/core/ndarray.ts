/** Element types of arrays that cross an engine's boundary. */
export type DType = "float32" | "int32" | "bool";

/** The typed array that holds elements of a {@linkcode DType}: float32, int32, or one byte per bool. */
export type DataOf<D extends DType> = D extends "float32" ? Float32Array : D extends "int32" ? Int32Array : Uint8Array;

/** A dense row-major array in plain memory: what goes into an engine and what comes out. */
export interface NdArray<D extends DType = DType> {
  /** Element type. */
  readonly dtype: D;
  /** Length of each axis, outermost first; `[]` is a scalar. */
  readonly shape: readonly number[];
  /** Elements in row-major order; length is the product of `shape`. */
  readonly data: DataOf<D>;
}

/** Number of elements of a shape (1 for a scalar). */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/**
 * Wraps data as a float32 array.
 *
 * @param shape Length of each axis.
 * @param data Elements, row-major; zeros where omitted.
 * @returns The array (sharing `data` where it is a Float32Array).
 * @throws {TypeError} If the number of elements does not match the shape.
 */
export function float32(shape: readonly number[], data?: ArrayLike<number>): NdArray<"float32"> {
  const array = data === undefined ? new Float32Array(sizeOf(shape)) : asFloat32(data);
  checkSize(shape, array.length);
  return { dtype: "float32", shape, data: array };
}

/**
 * Wraps data as an int32 array.
 *
 * @param shape Length of each axis.
 * @param data Elements, row-major; zeros where omitted.
 * @returns The array (sharing `data` where it is an Int32Array).
 * @throws {TypeError} If the number of elements does not match the shape.
 */
export function int32(shape: readonly number[], data?: ArrayLike<number>): NdArray<"int32"> {
  const array = data === undefined
    ? new Int32Array(sizeOf(shape))
    : data instanceof Int32Array
    ? data
    : Int32Array.from(data);
  checkSize(shape, array.length);
  return { dtype: "int32", shape, data: array };
}

/** A float32 scalar. */
export function scalar(value: number): NdArray<"float32"> {
  return float32([], [value]);
}

function asFloat32(data: ArrayLike<number>): Float32Array {
  return data instanceof Float32Array ? data : Float32Array.from(data);
}

function checkSize(shape: readonly number[], length: number): void {
  if (sizeOf(shape) !== length) {
    throw new TypeError(`Cannot make an array of shape [${shape}] from ${length} elements: it needs ${sizeOf(shape)}`);
  }
}
