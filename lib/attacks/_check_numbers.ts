import { DataError, type NdArray } from "../core/mod.ts";
import type { Engine } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import type { AttackBatch } from "./attack.ts";
import { margins } from "./margins.ts";

/**
 * Tells a classifier without finite logits from one without finite gradients, where an attack made images that are not
 * numbers.
 *
 * @param engine Where it runs.
 * @param classifier Who was attacked.
 * @param batch The clean images.
 * @param xAdv What became of them.
 * @throws {DataError} If a pixel is not a number; it names the image.
 */
export async function checkNumbers(
  engine: Engine,
  classifier: Classifier,
  batch: AttackBatch,
  xAdv: NdArray<"float32">,
): Promise<void> {
  const bad = xAdv.data.findIndex(Number.isNaN);
  if (bad === -1) return;
  await margins(engine, classifier, batch);
  const image = batch.ids[Math.floor(bad / (xAdv.data.length / batch.ids.length))];
  throw new DataError(
    `Cannot attack image ${image} as the gradient there is not a number: use a classifier with finite gradients`,
  );
}
