import type { NdArray } from "../core/mod.ts";

/**
 * Lists of arrays, one for each image, as one list of arrays that begin with the axis of images.
 *
 * @param rows Lists of the same shapes and dtypes; at least one.
 * @returns The list, each array [B, ...].
 */
export function stack(rows: readonly (readonly NdArray[])[]): NdArray[] {
  return rows[0]!.map(({ dtype, shape, data }, k) => {
    const size = data.length;
    const all = new (data.constructor as Float32ArrayConstructor)(rows.length * size);
    rows.forEach((row, at) => all.set(row[k]!.data, at * size));
    return { dtype, shape: [rows.length, ...shape], data: all } as NdArray;
  });
}
