import { DataError } from "../core/mod.ts";
import type { Engine } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import { checkBatch } from "./_check_batch.ts";
import { marginProgram } from "./_programs.ts";
import type { AttackBatch } from "./attack.ts";

/**
 * Margins z_y - max_{k != y} z_k of images, by one checked forward pass; negative where an image is misclassified.
 *
 * @param engine Where it runs.
 * @param classifier Who is asked.
 * @param batch Pixels in [0,1] [B, H, W, C], classes [B], ids [B].
 * @returns Margins in logits [B].
 * @throws {TypeError} If a dtype or length is wrong.
 * @throws {DataError} If the images do not fit the classifier, a pixel or label is out of range, or a margin is not
 * finite.
 */
export async function margins(engine: Engine, classifier: Classifier, batch: AttackBatch): Promise<Float32Array> {
  const x = checkBatch(classifier, batch);
  const value = await marginProgram(engine, classifier.logits)({ weights: classifier.weights, x, y: batch.y });
  try {
    const result = (await engine.read(value)).data as Float32Array;
    const bad = result.findIndex((margin) => !Number.isFinite(margin));
    if (bad !== -1) {
      throw new DataError(
        `Cannot classify image ${batch.ids[bad]} as its margin is ${result[bad]}: use a classifier with finite weights`,
      );
    }
    return result;
  } finally {
    value.dispose();
  }
}
