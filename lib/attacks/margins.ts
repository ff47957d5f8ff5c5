import { DataError } from "../core/mod.ts";
import type { Engine } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import { checkBatch } from "./_check_batch.ts";
import { marginProgram } from "./_programs.ts";
import { scores } from "./_scores.ts";
import type { AttackBatch } from "./attack.ts";

/**
 * Margins z_y - max_{k != y} z_k of images, by one checked forward pass; negative where an image is misclassified.
 *
 * A classifier with random outputs is judged by its mean probabilities: z_k = log((1 / D) sum_d softmax_k(f(x, n_d))),
 * over the D draws n_d ({@linkcode Classifier.draws}) of a fixed stream that is keyed by the image's id and belongs to no
 * attack. So the margin depends neither on batch or order nor on what an attack has drawn, and the clean image and every
 * adversarial one of it are judged under the same draws. Probabilities, not logits, are averaged as they are bounded: no
 * single draw with large logits decides. Without noise both are the same, whatever D.
 *
 * Differs from AutoAttack's code, which judges by one pass whose draw is new at every question.
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
  const result = classifier.noise === undefined
    ? await oneForward(engine, classifier, { ...batch, x })
    : marginsOf(await scores(engine, classifier, { ...batch, x }), batch.y.data, classifier.classes);
  const bad = result.findIndex((margin) => !Number.isFinite(margin));
  if (bad !== -1) {
    throw new DataError(
      `Cannot classify image ${batch.ids[bad]} as its margin is ${result[bad]}: use a classifier with finite weights`,
    );
  }
  return result;
}

async function oneForward(
  engine: Engine,
  { logits, weights }: Classifier,
  { x, y }: AttackBatch,
): Promise<Float32Array> {
  const value = await marginProgram(engine, logits)({ weights, x, y });
  try {
    return (await engine.read(value)).data as Float32Array;
  } finally {
    value.dispose();
  }
}

function marginsOf(z: Float32Array, labels: ArrayLike<number>, classes: number): Float32Array {
  return Float32Array.from(labels, (label, row) => {
    const own = z[row * classes + label]!;
    let other = -Infinity;
    for (let k = 0; k < classes; k++) if (k !== label) other = Math.max(other, z[row * classes + k]!);
    return own - other;
  });
}
