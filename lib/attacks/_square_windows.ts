import type { Norm } from "./attack.ts";

/** Of 10000 queries, those after which the share of the image that a window covers is halved. */
const HALVED_AFTER: readonly number[] = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000];

/**
 * Share p of the image that a window covers: halved after 10, 50, 200, 500, 1000, 2000, 4000, 6000 and 8000 of 10000
 * queries, rescaled to the number of queries.
 *
 * @param window Which window, from 0.
 * @param queries How many queries there are.
 * @param first Share of the first windows.
 * @returns p, in (0, 1].
 *
 * Source: Andriushchenko et al. (2020), section 4.1; fra31/auto-attack a392200, square.py, p_selection.
 */
export function windowShare(window: number, queries: number, first: number): number {
  const rescaled = Math.trunc(window / queries * 10000);
  return first / 2 ** HALVED_AFTER.filter((after) => rescaled > after).length;
}

/**
 * Side of the square window that covers a share of the image: sqrt(p h w), rounded; for L2 and L1 odd and at least 3;
 * no longer than the image.
 *
 * @param share p, in (0, 1].
 * @param height Rows of the image.
 * @param width Columns of the image.
 * @param norm Norm of the attack.
 * @returns Pixels, at least 1.
 *
 * Source: Andriushchenko et al. (2020), algorithm 1; fra31/auto-attack a392200, square.py, for L2 and L1.
 */
export function windowSize(share: number, height: number, width: number, norm: Norm): number {
  const side = Math.round(Math.sqrt(share * height * width));
  const size = norm === "Linf" ? Math.max(side, 1) : 2 * Math.floor(Math.max(side, 3) / 2) + 1;
  return Math.min(size, height, width);
}

/**
 * The pattern eta of a window for L2 and L1: a bump in its upper half and its negative in its lower half, each of equal
 * length. The bump falls off in square rings around its centre: ring d has the sum over k > d of 1 / k^power, up to
 * the number of rings; the power is 2 for L2 and 4 for L1.
 *
 * @param size Side s of the window in pixels.
 * @param norm Norm in which the pattern has length 1.
 * @returns eta [s * s], by rows.
 *
 * Source: Andriushchenko et al. (2020), section 4.2, equation 2; fra31/auto-attack a392200, square.py, eta.
 */
export function bump(size: number, norm: "L2" | "L1"): Float32Array {
  const upper = Math.floor(size / 2);
  const pattern = [...half(upper, size, norm), ...half(size - upper, size, norm).map((value) => -value)];
  return Float32Array.from(pattern, (value) => value / lengthOf(pattern, norm));
}

function half(rows: number, columns: number, norm: "L2" | "L1"): number[] {
  const [row, column] = [Math.floor(rows / 2), Math.floor(columns / 2)];
  const rings = Math.max(row, column) + 1;
  const power = norm === "L2" ? 2 : 4;
  // height[d] = sum of 1 / k^power over k = d + 1 .. rings.
  const height = new Array<number>(rings + 1).fill(0);
  for (let d = rings - 1; d >= 0; d--) height[d] = height[d + 1]! + (d + 1) ** -power;
  const values = Array.from({ length: rows * columns }, (_, i) => {
    const ring = Math.max(Math.abs(Math.floor(i / columns) - row), Math.abs(i % columns - column));
    return height[ring]!;
  });
  return values.map((value) => value / lengthOf(values, norm));
}

function lengthOf(values: readonly number[], norm: "L2" | "L1"): number {
  return norm === "L2" ? Math.hypot(...values) : values.reduce((total, value) => total + Math.abs(value), 0);
}

/**
 * First row or column of a window, each possible one equally likely.
 *
 * @param u Uniform in [0, 1).
 * @param size Side of the window.
 * @param length Side of the image.
 * @returns An integer from 0 to length - size.
 */
export function place(u: number, size: number, length: number): number {
  return Math.floor(u * (length - size + 1));
}

/** -1 or 1 of a number uniform in [0, 1). */
export function signOf(u: number): number {
  return u < 0.5 ? -1 : 1;
}
