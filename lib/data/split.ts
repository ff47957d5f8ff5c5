import { validationName, validationPositions } from "./_validation_positions.ts";
import { type Dataset, subset } from "./dataset.ts";
import type { FolderDataset } from "./lazy_dataset.ts";

/** A data set in two disjoint parts. */
export interface Split {
  /** What is left to train on. */
  readonly train: Dataset;
  /** What checkpoints are chosen on. */
  readonly validation: Dataset;
}

/** Images of an experiment. */
export interface LoadedData<Train extends Dataset | FolderDataset = Dataset | FolderDataset> {
  /** Images to train on, in memory or decoded while they are used. */
  readonly train: Train;
  /** Images that checkpoints and settings are chosen on. */
  readonly validation: Dataset;
  /** Images to evaluate on; no choice may depend on them. */
  readonly test: Dataset;
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
  const chosen = validationPositions(dataset.ids, dataset.name, amount, seed);
  const indices = Array.from(dataset.ids.keys());
  return {
    train: subset(dataset, indices.filter((i) => !chosen.has(i))),
    validation: subset(dataset, indices.filter((i) => chosen.has(i)), validationName(dataset.name)),
  };
}
