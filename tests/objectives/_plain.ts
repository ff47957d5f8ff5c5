import type { NdArray } from "../../lib/core/mod.ts";
import { BATCH, type Tiny } from "./_tiny.ts";

/** The tiny net and its losses in plain JavaScript, double precision: what traced terms are compared with. */

/** A list of numbers for each image. */
export type Rows = readonly (readonly number[])[];

/** Rows of an array [B, ...]. */
export function rowsOf({ data, shape }: NdArray): Rows {
  const size = data.length / shape[0]!;
  return Array.from({ length: shape[0]! }, (_, i) => Array.from(data.slice(i * size, (i + 1) * size)));
}

/** Logits of the tiny net at one image. */
export function logitsOf({ w1, b1, w2, b2, w3 }: Tiny<NdArray>, pixels: readonly number[]): number[] {
  const times = (x: readonly number[], { data, shape }: NdArray) =>
    Array.from({ length: shape[1]! }, (_, k) => x.reduce((sum, value, i) => sum + value * data[i * shape[1]! + k]!, 0));
  const hidden = times(pixels, w1).map((value, k) => Math.tanh(value + b1.data[k]!));
  const next = times(hidden, w2).map((value, k) => Math.log1p(Math.exp(value + b2.data[k]!)));
  return times(next, w3);
}

/** softmax(z). */
export function softmax(z: readonly number[]): number[] {
  const weights = z.map((value) => Math.exp(value - Math.max(...z)));
  const total = weights.reduce((a, b) => a + b);
  return weights.map((value) => value / total);
}

/** -log softmax(z)_y. */
export const crossEntropy = (z: readonly number[], y: number): number => -Math.log(softmax(z)[y]!);

/** KL(softmax(zT) || softmax(zS)). */
export function kl(zT: readonly number[], zS: readonly number[]): number {
  const [p, q] = [softmax(zT), softmax(zS)];
  return p.reduce((sum, value, k) => sum + value * Math.log(value / q[k]!), 0);
}

/** Gradient of a function of the pixels at one image, by central differences. */
export function slopes(f: (pixels: readonly number[]) => number, at: readonly number[]): number[] {
  const h = 1e-5;
  return at.map((value, i) => (f(at.with(i, value + h)) - f(at.with(i, value - h))) / (2 * h));
}

/** The batch of the tests: images, perturbed images, classes. */
export const PLAIN = { x: rowsOf(BATCH.x), xAdv: rowsOf(BATCH.xAdv), y: Array.from(BATCH.y.data) };

/** Mean over the images. */
export const meanOver = (f: (image: number) => number): number =>
  [0, 1, 2, 3].reduce((sum, image) => sum + f(image), 0) / 4;

/** a - b. */
export const minus = (a: readonly number[], b: readonly number[]): number[] => a.map((value, i) => value - b[i]!);

/** a . b. */
export const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * b[i]!, 0);
