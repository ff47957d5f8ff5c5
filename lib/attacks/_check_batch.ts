import { DataError, float32, type NdArray } from "../core/mod.ts";
import type { Classifier } from "../models/mod.ts";
import type { AttackBatch } from "./attack.ts";

/** How far outside of [0,1] a pixel may lie by rounding; it is set to the border. */
const TOLERANCE = 1e-6;

/**
 * Checks images, labels and ids against each other and the classifier.
 *
 * @param classifier Whom they are for.
 * @param batch The images.
 * @returns Pixels exactly in [0,1]: those of the batch, or a copy where rounding had put some outside.
 * @throws {TypeError} If a dtype or length is wrong.
 * @throws {DataError} If the images do not fit the classifier, or a pixel or label is out of range.
 */
export function checkBatch(classifier: Classifier, { x, y, ids }: AttackBatch): NdArray<"float32"> {
  const [count = 0, ...image] = x.shape;
  if (x.dtype !== "float32" || x.shape.length !== 4 || count === 0) {
    throw new TypeError(
      `Cannot classify an array of type ${x.dtype}[${x.shape}]: it needs float32[batch, height, width, channels]`,
    );
  }
  if (y.dtype !== "int32" || y.data.length !== count || ids.length !== count) {
    throw new TypeError(
      `Cannot classify ${count} images with labels of type ${y.dtype}[${y.shape}] and ${ids.length} ids: ` +
        `it needs int32[${count}] and ${count} ids`,
    );
  }
  if (image.join() !== classifier.inputShape.join()) {
    throw new DataError(
      `Cannot classify images of shape [${image}] as the classifier takes [${classifier.inputShape}]: ` +
        `use the data set that it was trained on`,
    );
  }
  const wrong = y.data.findIndex((label) => label < 0 || label >= classifier.classes);
  if (wrong !== -1) {
    throw new DataError(
      `Cannot classify image ${ids[wrong]} as its label is ${y.data[wrong]} where the classifier has classes 0 to ` +
        `${classifier.classes - 1}: use the data set that it was trained on`,
    );
  }
  return insideBox(x, ids);
}

function insideBox(x: NdArray<"float32">, ids: Int32Array): NdArray<"float32"> {
  const outside = x.data.findIndex((pixel) => !(pixel >= 0 && pixel <= 1));
  if (outside === -1) return x;
  const far = x.data.findIndex((pixel) => !(pixel >= -TOLERANCE && pixel <= 1 + TOLERANCE));
  if (far === -1) return float32(x.shape, x.data.map((pixel) => Math.min(Math.max(pixel, 0), 1)));
  const size = x.data.length / ids.length;
  throw new DataError(
    `Cannot classify image ${ids[Math.floor(far / size)]} as its pixel ${far % size} is ${x.data[far]} where pixels ` +
      `are in [0,1]: divide 8-bit pixels by 255, and leave normalisation to the model`,
  );
}
