import { rng, UsageError } from "../core/mod.ts";
import { keyedOrder } from "./_keyed_order.ts";
import { type Dataset, subset } from "./dataset.ts";

/** A data set in two disjoint parts. */
export interface Split {
  /** What is left to train on. */
  readonly train: Dataset;
  /** What checkpoints are chosen on. */
  readonly validation: Dataset;
}

/**
 * Cuts a validation set from training images by a rule: every id has a random key, and the images with the smallest
 * keys are for validation. The same seed gives the same split whatever the order of the images.
 *
 * @param dataset The training images.
 * @param amount Number of validation images, or their fraction where it is below 1; 0 for none.
 * @param seed Seed of the keys.
 * @returns Both parts, each in the order of `dataset`.
 * @throws {UsageError} If the amount is negative, no integer above 1, or leaves nothing to train on.
 */
export function validationSplit(dataset: Dataset, amount: number, seed: number): Split {
  const n = dataset.ids.length;
  const count = amount > 0 && amount < 1 ? Math.round(amount * n) : amount;
  if (!Number.isInteger(count) || count < 0) {
    throw new UsageError(
      `Cannot use ${amount} as the size of a validation set: write a number of images or a fraction below 1`,
    );
  }
  if (count >= n && count > 0) {
    throw new UsageError(
      `Cannot take ${count} validation images from the ${n} of "${dataset.name}" as none would be left to train on: ` +
        "take fewer",
    );
  }
  const chosen = new Set(keyedOrder(dataset.ids, rng(seed, "validation")).slice(0, count));
  const indices = Array.from(dataset.ids.keys());
  return {
    train: subset(dataset, indices.filter((i) => !chosen.has(i))),
    validation: subset(
      dataset,
      indices.filter((i) => chosen.has(i)),
      dataset.name.replace(/( train)?$/, " validation"),
    ),
  };
}
