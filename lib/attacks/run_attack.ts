import { float32, int32, type Rng } from "../core/mod.ts";
import type { Engine } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import { checkBatch } from "./_check_batch.ts";
import type { AttackBatch, AttackResult } from "./attack.ts";
import { attackImages } from "./attack_images.ts";
import { type AnyAttack, checkAttack } from "./own_attack.ts";

/**
 * Runs an attack on one batch and reports what it did: {@linkcode attackImages} on images in memory.
 *
 * At eps = 0 nothing is run: the image itself is the result.
 *
 * @param engine Where it runs.
 * @param classifier Who is attacked.
 * @param batch Pixels in [0,1] [B, H, W, C] (off by 1e-6 at most), classes [B], ids [B].
 * @param spec The attack.
 * @param eps Radius in pixel units, in [0,1].
 * @param rng Stream of the attack; starts are keyed by image id and restart below it, so the result for an image does
 * not depend on its batch.
 * @returns Images with ||xAdv - x|| <= eps to float32 rounding and pixels in [0,1], and what they do.
 * @throws {UsageError} If the spec or the radius cannot be used.
 * @throws {TypeError} If a dtype or length is wrong.
 * @throws {DataError} If the images do not fit the classifier, a pixel or label is out of range, or a margin or a
 * gradient is not finite.
 */
export async function runAttack(
  engine: Engine,
  classifier: Classifier,
  batch: AttackBatch,
  spec: AnyAttack,
  eps: number,
  rng: Rng,
): Promise<AttackResult> {
  checkAttack(spec, [eps]);
  const x = checkBatch(classifier, batch);
  const count = batch.ids.length;
  const result = {
    xAdv: float32(x.shape),
    margin: new Float32Array(count),
    success: new Uint8Array(count),
    firstStep: new Int32Array(count),
    forwardPasses: 0,
    backwardPasses: 0,
  };
  const source = { count, load: (positions: readonly number[]) => rowsOf({ ...batch, x }, positions) };
  for await (const event of attackImages(engine, classifier, source, spec, eps, rng, count)) {
    if (event.kind === "passes") continue;
    const { position, xAdv, margin, firstStep, forwardPasses, backwardPasses } = event;
    result.xAdv.data.set(xAdv.data, position * xAdv.data.length);
    result.margin[position] = margin;
    result.success[position] = margin < 0 ? 1 : 0;
    result.firstStep[position] = firstStep;
    result.forwardPasses = Math.max(result.forwardPasses, forwardPasses);
    result.backwardPasses = Math.max(result.backwardPasses, backwardPasses);
  }
  return result;
}

function rowsOf({ x, y, ids }: AttackBatch, rows: readonly number[]): AttackBatch {
  const size = x.data.length / ids.length;
  const pixels = float32([rows.length, ...x.shape.slice(1)]);
  rows.forEach((row, to) => pixels.data.set(x.data.subarray(row * size, (row + 1) * size), to * size));
  return {
    x: pixels,
    y: int32([rows.length], rows.map((row) => y.data[row]!)),
    ids: Int32Array.from(rows, (row) => ids[row]!),
  };
}
