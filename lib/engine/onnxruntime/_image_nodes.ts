/** Parts that convolutions are written of, whatever their groups. */
import type { Geometry, Image } from "../trace/convolutions.ts";
import { currentGraph } from "../trace/symbols.ts";

/**
 * dL/dy with zeros between its rows and columns where there is a stride, and around it: dL/dx is its convolution, of
 * stride 1 and without padding, with the filter turned upside down and left to right.
 */
export function spreadGradient(
  dy: string,
  { input, filter: [kh, kw], output, stride: [sh, sw], pads }: Geometry,
): string {
  const graph = currentGraph();
  const [batch, height, width] = input;
  const [top, left] = pads;
  const outputs = output[3];
  let spread = dy;
  let spreadHeight = output[1];
  let spreadWidth = output[2];
  if (sh * sw > 1) {
    spread = graph.reshape(dy, [batch, spreadHeight, 1, spreadWidth, 1, outputs]);
    spread = padAxes(spread, 6, { 2: [0, sh - 1], 4: [0, sw - 1] });
    spreadHeight *= sh;
    spreadWidth *= sw;
    spread = graph.reshape(spread, [batch, spreadHeight, spreadWidth, outputs]);
  }
  return fitAxes(spread, [batch, spreadHeight, spreadWidth, outputs], {
    1: [kh - 1 - top, height + kh - 1],
    2: [kw - 1 - left, width + kw - 1],
  });
}

/** Zeros before and after some axes. */
export function padAxes(x: string, rank: number, amounts: Readonly<Record<number, readonly [number, number]>>): string {
  const graph = currentGraph();
  const side = (which: 0 | 1) => Array.from({ length: rank }, (_, axis) => amounts[axis]?.[which] ?? 0);
  const all = [...side(0), ...side(1)];
  return all.every((amount) => amount === 0) ? x : graph.node("Pad", [x, graph.shape(all)]);
}

/** Moves each axis to start `offset` zeros earlier (or to lose as many where negative) and to have the wanted length. */
function fitAxes(
  x: string,
  shape: Image,
  axes: Readonly<Record<number, readonly [offset: number, length: number]>>,
): string {
  const graph = currentGraph();
  let result = x;
  const amounts: Record<number, [number, number]> = {};
  for (const [key, [offset, length]] of Object.entries(axes)) {
    const axis = Number(key);
    const start = Math.max(0, -offset);
    const end = Math.min(shape[axis]!, length - offset);
    if (start > 0 || end < shape[axis]!) {
      result = graph.node("Slice", [result, graph.shape([start]), graph.shape([end]), graph.shape([axis])]);
    }
    const before = Math.max(0, offset);
    amounts[axis] = [before, length - before - (end - start)];
  }
  return padAxes(result, 4, amounts);
}

/** The taps [taps, ...] in reverse. */
export function reversed(w: string, count: number): string {
  if (count === 1) return w;
  const graph = currentGraph();
  return graph.node("Gather", [w, graph.shape(Array.from({ length: count }, (_, tap) => count - 1 - tap))], {
    axis: 0,
  });
}
