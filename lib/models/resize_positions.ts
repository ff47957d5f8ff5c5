import { float32, type NdArray } from "../core/mod.ts";

/** How {@linkcode resizePositions} goes from one grid to another. */
export interface ResizePositions {
  /** Rows and columns of patches that the positions are of. */
  readonly from: readonly [rows: number, columns: number];
  /** Rows and columns that are wanted. */
  readonly to: readonly [rows: number, columns: number];
  /** Tokens before those of the patches, which stay. */
  readonly prefix: number;
  /** Whether a smaller grid takes means over what it covers, as timm does. @default {true} */
  readonly antialias?: boolean;
}

/** Numbers of the input that make one of the output: the first, and their factors, whose sum is 1. */
interface Mixture {
  readonly first: number;
  readonly factors: readonly number[];
}

/**
 * Learned positions of the patches of one grid for another, by cubic convolution of rows and of columns: for a vision
 * transformer on images of another size.
 *
 * Source: timm's resample_abs_pos_embed; PyTorch's interpolate(mode = "bicubic", align_corners = False), whose cubic has
 * a = -0.75 without antialias and a = -0.5 with it; Keys, "Cubic convolution interpolation" (1981).
 *
 * @param positions [1, prefix + rows * columns, dim].
 * @param options Both grids.
 * @returns [1, prefix + rows' * columns', dim].
 * @throws {TypeError} If the positions are not those of the first grid.
 */
export function resizePositions(positions: NdArray, options: ResizePositions): NdArray<"float32"> {
  const { from: [rows, columns], to: [newRows, newColumns], prefix, antialias = true } = options;
  const [, tokens = 0, dim = 0] = positions.shape;
  if (positions.shape.length !== 3 || tokens !== prefix + rows * columns) {
    throw new TypeError(
      `Cannot resize positions of shape [${positions.shape}] as ${prefix} and a grid of ${rows}x${columns}: ` +
        `it needs [1, ${prefix + rows * columns}, dim]`,
    );
  }
  const mix = antialias ? smoothMixture : sharpMixture;
  const data = new Float32Array((prefix + newRows * newColumns) * dim);
  data.set(positions.data.subarray(0, prefix * dim) as Float32Array);
  const across = Array.from({ length: newColumns }, (_, i) => mix(i, columns, newColumns));
  for (let i = 0; i < newRows; i++) {
    const down = mix(i, rows, newRows);
    for (let j = 0; j < newColumns; j++) {
      const to = (prefix + i * newColumns + j) * dim;
      for (const [row, column, factor] of pairs(down, across[j]!, rows, columns)) {
        const at = (prefix + row * columns + column) * dim;
        for (let k = 0; k < dim; k++) data[to + k]! += factor * positions.data[at + k]!;
      }
    }
  }
  return float32([1, prefix + newRows * newColumns, dim], data);
}

/** The numbers of a grid that make one, with their factors; beyond the border are the numbers at it. */
function* pairs(
  down: Mixture,
  across: Mixture,
  rows: number,
  columns: number,
): Generator<[row: number, column: number, factor: number]> {
  const within = (index: number, length: number) => Math.min(length - 1, Math.max(0, index));
  for (const [i, a] of down.factors.entries()) {
    for (const [j, b] of across.factors.entries()) {
      yield [within(down.first + i, rows), within(across.first + j, columns), a * b];
    }
  }
}

/** Keys's cubic at distance t. */
function cubic(t: number, a: number): number {
  const x = Math.abs(t);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/** The four numbers around output i. */
function sharpMixture(i: number, length: number, count: number): Mixture {
  const centre = length / count * (i + 0.5) - 0.5;
  const first = Math.floor(centre) - 1;
  return { first, factors: [0, 1, 2, 3].map((j) => cubic(first + j - centre, -0.75)) };
}

/** The numbers that a cubic around output i meets, as wide as the output's share of the input where that is more than 1. */
function smoothMixture(i: number, length: number, count: number): Mixture {
  const share = length / count;
  const width = Math.max(1, share);
  const centre = share * (i + 0.5);
  const first = Math.max(0, Math.trunc(centre - 2 * width + 0.5));
  const end = Math.min(length, Math.trunc(centre + 2 * width + 0.5));
  const raw = Array.from({ length: end - first }, (_, j) => cubic((first + j - centre + 0.5) / width, -0.5));
  const sum = raw.reduce((a, b) => a + b, 0);
  return { first, factors: raw.map((factor) => factor / sum) };
}
