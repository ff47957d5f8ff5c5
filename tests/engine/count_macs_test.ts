import { assertEquals } from "@std/assert";
import { add, conv2d, countMacs, matMul, relu, sum, type Tensor, valueAndGrad } from "../../lib/engine/mod.ts";

const float = (...shape: number[]) => ({ dtype: "float32", shape } as const);
interface Inputs {
  readonly x: Tensor;
  readonly w: Tensor;
}

Deno.test("countMacs() counts what a matrix product multiplies, and nothing of what is elementwise", () => {
  assertEquals(countMacs(({ x, w }: Inputs) => relu(add(matMul(x, w), 1)), { x: float(8, 3), w: float(3, 5) }), 120);
  const batched = { x: float(2, 4, 8, 3), w: float(2, 4, 3, 5) };
  assertEquals(countMacs(({ x, w }: Inputs) => matMul(x, w), batched), 8 * 120);
});

Deno.test("countMacs() counts the taps of a convolution at every output, zeros around included", () => {
  // 7x7 of stride 2: 112 x 112 outputs of 64 channels from 7 * 7 * 3 numbers, the stem of a ResNet.
  const stem = { x: float(1, 224, 224, 3), w: float(7, 7, 3, 64) };
  assertEquals(countMacs(({ x, w }: Inputs) => conv2d(x, w, 2, 3), stem), 112 * 112 * 64 * 147);
});

Deno.test("countMacs() counts the channels of its own group alone", () => {
  const depthwise = { x: float(2, 10, 12, 6), w: float(3, 3, 1, 6) };
  assertEquals(countMacs(({ x, w }: Inputs) => conv2d(x, w, 1, 1, 6), depthwise), 2 * 10 * 12 * 6 * 9);
  const pairs = { x: float(2, 10, 12, 6), w: float(3, 3, 2, 9) };
  assertEquals(countMacs(({ x, w }: Inputs) => conv2d(x, w, 1, 1, 3), pairs), 2 * 10 * 12 * 9 * 18);
});

Deno.test("countMacs() counts a gradient as another product of the same size for each of its two sides", () => {
  const inputs = { x: float(2, 8, 8, 3), w: float(3, 3, 3, 4) };
  const forward = 2 * 64 * 4 * 27;
  const both = countMacs(
    ({ x, w }: Inputs) => valueAndGrad((at: Inputs) => ({ value: sum(relu(conv2d(at.x, at.w, 1, 1))) }), { x, w }).grad,
    inputs,
  );
  assertEquals(both, 3 * forward);
});
