import type * as TensorFlow from "@tensorflow/tfjs";
import type { Tensor } from "./tensorflow.ts";

type Ops = Pick<typeof TensorFlow, "addN" | "concat" | "pad" | "reshape" | "slice" | "zeros">;

/** Windows along an axis, as convolutions and pools move them: `size` elements each, `stride` apart. */
export interface Windows {
  /** The axis. */
  readonly axis: number;
  /** Elements of a window. */
  readonly size: number;
  /** From one window to the next. */
  readonly stride: number;
  /** Elements put before the first and after the last, the same number. */
  readonly padding: number;
}

/** How many windows there are: floor((length + 2 padding - size) / stride) + 1. */
export function countWindows(length: number, { size, stride, padding }: Omit<Windows, "axis">): number {
  return Math.floor((length + 2 * padding - size) / stride) + 1;
}

/**
 * Element t of every window, for each t: x[..., t], x[..., t + stride], ... of the padded axis, by reshapes and slices.
 *
 * @param tf TensorFlow.js.
 * @param x Any tensor.
 * @param windows Where the windows are.
 * @param value What is put around x.
 * @returns `size` tensors of the shape of x, but as long along the axis as there are windows.
 */
export function windowElements(tf: Ops, x: Tensor, windows: Windows, value = 0): Tensor[] {
  const { axis, size, stride } = windows;
  const { count, rows, before, after } = layout(x.shape[axis]!, windows);
  const phases = splitAxis(tf, resized(tf, x, axis, before, after, value), axis, rows, stride);
  return Array.from({ length: size }, (_, t) => {
    const begin = phases.shape.map(() => 0).with(axis, Math.floor(t / stride)).with(axis + 1, t % stride);
    const lengths = phases.shape.with(axis, count).with(axis + 1, 1);
    return tf.reshape(tf.slice(phases, begin, lengths), x.shape.with(axis, count));
  });
}

/**
 * The adjoint of {@linkcode windowElements} (with value 0): every element goes back to where it came from, and those of
 * one place are added.
 *
 * @param tf TensorFlow.js.
 * @param elements Element t of every window, for each t.
 * @param length Length of the axis of the result.
 * @param windows Where the windows are.
 */
export function sumWindows(tf: Ops, elements: readonly Tensor[], length: number, windows: Windows): Tensor {
  const { axis, stride } = windows;
  const { count, rows, before, after } = layout(length, windows);
  const phases = Array.from({ length: stride }, (_, phase) => {
    const parts = elements.flatMap((element, t) => {
      if (t % stride !== phase) return [];
      const offset = Math.floor(t / stride);
      return [resized(tf, element, axis, offset, rows - offset - count, 0)];
    });
    // A stride longer than the window leaves places that no window has.
    const sum = parts.length > 0 ? tf.addN(parts) : tf.zeros(elements[0]!.shape.with(axis, rows));
    return tf.reshape(sum, sum.shape.toSpliced(axis + 1, 0, 1));
  });
  const joined = stride === 1 ? phases[0]! : tf.concat(phases, axis + 1);
  const whole = tf.reshape(joined, joined.shape.toSpliced(axis, 2, rows * stride));
  return resized(tf, whole, axis, -before, -after, 0);
}

/** Windows, rows of `stride` elements that hold them all, and what to put before and after the axis for that. */
function layout(length: number, windows: Windows): { count: number; rows: number; before: number; after: number } {
  const { size, stride, padding } = windows;
  const count = countWindows(length, windows);
  const rows = Math.ceil(((count - 1) * stride + size) / stride);
  return { count, rows, before: padding, after: rows * stride - length - padding };
}

function splitAxis(tf: Ops, x: Tensor, axis: number, rows: number, stride: number): Tensor {
  return tf.reshape(x, x.shape.toSpliced(axis, 1, rows, stride));
}

/** x with elements put before and after an axis; fewer than 0 are cut off. */
function resized(tf: Ops, x: Tensor, axis: number, before: number, after: number, value: number): Tensor {
  const begin = Math.max(0, -before);
  const kept = x.shape[axis]! - begin - Math.max(0, -after);
  const cut = kept === x.shape[axis]
    ? x
    : tf.slice(x, x.shape.map(() => 0).with(axis, begin), x.shape.with(axis, kept));
  if (before <= 0 && after <= 0) return cut;
  const none: [number, number] = [0, 0];
  return tf.pad(cut, x.shape.map(() => none).with(axis, [Math.max(0, before), Math.max(0, after)]), value);
}
