import { rng } from "../core/mod.ts";
import type { Engine, Leaf } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import { borrow } from "./_borrow.ts";
import { logitsProgram } from "./_programs.ts";
import type { AttackBatch } from "./attack.ts";
import { drawNoise } from "./draw_noise.ts";
import { judgingPasses } from "./judging_passes.ts";

/**
 * What a classifier says of images, in logits. Of one with random outputs it is log mean_d softmax(z_d), the mean over
 * draws that depend on the image's id alone, from a stream of their own: no attack has seen them.
 *
 * @param engine Where it runs.
 * @param classifier Who is asked.
 * @param batch Checked pixels [B, H, W, C], ids [B].
 * @returns Logits [B * classes]; a row is NaN where a drawn logit is not finite.
 */
export async function scores(
  engine: Engine,
  classifier: Classifier,
  { x, ids }: Pick<AttackBatch, "x" | "ids">,
): Promise<Float32Array> {
  const program = logitsProgram(engine, classifier.logits);
  const ask = async (inputs: { weights: Classifier["weights"]; x: Leaf; noise?: readonly Leaf[] }) => {
    const value = await program(inputs);
    try {
      return (await engine.read(value)).data as Float32Array;
    } finally {
      value.dispose();
    }
  };
  if (classifier.noise === undefined) return await ask({ weights: classifier.weights, x });
  const { classes } = classifier;
  const draws = judgingPasses(classifier);
  const sum = new Float64Array(ids.length * classes).fill(-Infinity);
  await borrow(engine, { weights: classifier.weights, x }, async (inputs) => {
    for (let draw = 0; draw < draws; draw++) {
      const z = await ask({ ...inputs, ...drawNoise(classifier, ids, rng(0, "judge", draw)) });
      for (let row = 0; row < ids.length; row++) addLogSoftmax(sum, z, row * classes, (row + 1) * classes);
    }
  });
  return Float32Array.from(sum, (value) => value - Math.log(draws));
}

/** sum <- log(exp(sum) + softmax(z)) for one row, in float64. */
function addLogSoftmax(sum: Float64Array, z: Float32Array, from: number, to: number): void {
  let top = -Infinity;
  for (let k = from; k < to; k++) top = Math.max(top, z[k]!);
  let total = 0;
  for (let k = from; k < to; k++) total += Math.exp(z[k]! - top);
  const shift = top + Math.log(total);
  for (let k = from; k < to; k++) {
    const [a, b] = [sum[k]!, z[k]! - shift];
    // Neither is Infinity, and the first is -Infinity at the first draw.
    sum[k] = Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
  }
}
