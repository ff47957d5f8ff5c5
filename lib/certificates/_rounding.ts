/**
 * How far float32 may round, so that bounds can be moved outward by it.
 *
 * Every operation of float32 rounds to nearest: fl(a op b) = (a op b)(1 + d), |d| <= u = 2^-24, and a sum of n products in
 * any order, with or without fused multiply-add, is off by at most gamma_n = n u / (1 - n u) times the sum of the
 * products' absolute values (Higham, "Accuracy and stability of numerical algorithms" (2002), section 3.1). That sum is
 * itself computed, and so is what is added of it: both are off by a factor of 1 +- gamma at most, which twice gamma
 * covers. What underflows is below 1e-30.
 */
import { abs, add, mul, sub, type Tensor } from "../engine/mod.ts";

const U = 2 ** -24;
/** Operations around a sum that are counted with it: products, factors, the slack's own. */
const AROUND = 8;
/** Above what underflow can take from a sum of fewer than 2^22 numbers. */
const TINY = 1e-30;

/**
 * What a computed sum may be off by, as a part of the computed sum of its absolute values: 2 gamma_(n + 8).
 *
 * @param n Terms of the sum.
 * @throws {RangeError} If there are so many that float32 tells nothing: n >= 2^22.
 */
export function slackOf(n: number): number {
  if (!(n < 2 ** 22)) throw new RangeError(`Cannot bound the rounding of a sum of ${n} numbers in float32`);
  const nu = (n + AROUND) * U;
  return 2 * nu / (1 - nu);
}

/** Below the exact result of one to three operations that gave x, the last of which decides its size. */
export function down(x: Tensor): Tensor {
  return sub(x, margin(x));
}

/** Above the exact result, as {@linkcode down}. */
export function up(x: Tensor): Tensor {
  return add(x, margin(x));
}

function margin(x: Tensor): Tensor {
  return add(mul(abs(x), 8 * U), TINY);
}

/**
 * The smallest float32 that is not below a number: what a radius becomes on an engine.
 *
 * @param value A finite number >= 0.
 */
export function float32Above(value: number): number {
  const near = Math.fround(value);
  if (near >= value) return near;
  const bits = new Uint32Array(Float32Array.of(near).buffer);
  bits[0]!++;
  return new Float32Array(bits.buffer)[0]!;
}
