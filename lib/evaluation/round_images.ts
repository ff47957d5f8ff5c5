import { DataError, float32, type NdArray } from "../core/mod.ts";
import type { Norm } from "../attacks/mod.ts";

/** How far a pixel of an 8-bit image may lie from k/255. */
const GRID = 1e-4;

/**
 * Rounds adversarial images to 8 bits per channel inside the ball: what an image file can hold of an attack. Distances
 * are counted in steps of 1/255 from the 8-bit original, so that the ball is exact, whatever float32 does.
 *
 * - Linf: to the nearest k/255, then clipped to within floor(255 eps) steps of the original.
 * - L2 and other norms: to the nearest k/255; where that leaves the ball, the pixels that rounding moved away from the
 *   original are moved back by a step, those first that it had moved farthest, until the image is inside. All of them
 *   moved back is every difference rounded towards 0, which is never longer than the unrounded one.
 *
 * @param xAdv Adversarial images [B, H, W, C].
 * @param x Their 8-bit originals as k/255, [B, H, W, C].
 * @param norm Norm of the ball.
 * @param eps Radius in pixel units.
 * @returns Images k/255 [B, H, W, C] with the difference inside the ball, in steps.
 * @throws {DataError} If a pixel of x is not k/255.
 */
export function roundImages(
  xAdv: NdArray<"float32">,
  x: NdArray<"float32">,
  norm: Norm,
  eps: number,
): NdArray<"float32"> {
  const off = x.data.findIndex((pixel) => !(Math.abs(255 * pixel - Math.round(255 * pixel)) < GRID));
  if (off !== -1) {
    throw new DataError(
      `Cannot round the images to 8 bits as a pixel of an original is ${x.data[off]}, no multiple of 1/255: ` +
        "use images of 8 bits",
    );
  }
  const size = x.data.length / (x.shape[0] || 1);
  const data = new Float32Array(x.data.length);
  for (let from = 0; from < data.length; from += size) {
    const bytes = Array.from(x.data.subarray(from, from + size), (pixel) => Math.round(255 * pixel));
    const wanted = bytes.map((byte, i) => 255 * Math.min(Math.max(xAdv.data[from + i]!, 0), 1) - byte);
    const steps = norm === "Linf" ? clipped(wanted, 255 * eps) : shortened(wanted, norm === "L2" ? 2 : 1, 255 * eps);
    bytes.forEach((byte, i) => data[from + i] = (byte + steps[i]!) / 255);
  }
  return float32(x.shape, data);
}

/** The nearest whole steps within the radius; the slack forgives 255 (8 / 255). */
function clipped(wanted: readonly number[], radius: number): number[] {
  const most = Math.floor(radius + 1e-6);
  return wanted.map((steps) => Math.min(Math.max(Math.round(steps), -most), most));
}

/** Whole steps with sum |step|^power <= radius^power, near the wanted ones. */
function shortened(wanted: readonly number[], power: number, radius: number): number[] {
  const steps = wanted.map((step) => Math.round(step));
  const most = radius ** power * (1 + 1e-9) + 1e-9;
  let length = steps.reduce((sum, step) => sum + Math.abs(step) ** power, 0);
  const moved = (i: number): number => Math.abs(steps[i]!) - Math.abs(wanted[i]!);
  const away = [...steps.keys()].filter((i) => moved(i) > 0).sort((a, b) => moved(b) - moved(a) || a - b);
  for (const i of away) {
    if (length <= most) break;
    const back = steps[i]! - Math.sign(steps[i]!);
    length += Math.abs(back) ** power - Math.abs(steps[i]!) ** power;
    steps[i] = back;
  }
  return steps;
}
