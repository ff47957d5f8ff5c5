import { rng, UsageError } from "../core/mod.ts";
import { keyedOrder } from "./_keyed_order.ts";

/** Positions of the validation images: those of the smallest keys. Throws as `validationSplit` says. */
export function validationPositions(ids: Int32Array, name: string, amount: number, seed: number): Set<number> {
  const n = ids.length;
  const count = amount > 0 && amount < 1 ? Math.round(amount * n) : amount;
  if (!Number.isInteger(count) || count < 0) {
    throw new UsageError(
      `Cannot use ${amount} as the size of a validation set: write a number of images or a fraction below 1`,
    );
  }
  if (count >= n && count > 0) {
    throw new UsageError(
      `Cannot take ${count} validation images from the ${n} of "${name}" as none would be left to train on: take fewer`,
    );
  }
  return new Set(count === 0 ? [] : keyedOrder(ids, rng(seed, "validation")).slice(0, count));
}

/** Name of the validation images of a training set. */
export function validationName(name: string): string {
  return name.replace(/( train)?$/, " validation");
}
