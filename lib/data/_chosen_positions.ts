import { rng, UsageError } from "../core/mod.ts";
import { keyedOrder } from "./_keyed_order.ts";

/** Images of which some are chosen. */
interface Named {
  readonly name: string;
  readonly ids: Int32Array;
}

/** Positions of the images of the smallest keys, in the order of the data set; all where no number is given. */
export function chosenPositions(dataset: Named, count: number | undefined, seed: number): number[] {
  return chosenAndOthers(dataset, count, seed).chosen;
}

/** Those positions, and all others in the order of their keys. */
export function chosenAndOthers(
  { name, ids }: Named,
  count: number | undefined,
  seed: number,
): { readonly chosen: number[]; readonly others: number[] } {
  const n = ids.length;
  if (count === undefined) return { chosen: Array.from(ids.keys()), others: [] };
  if (!Number.isInteger(count) || count < 1 || count > n) {
    throw new UsageError(`Cannot take ${count} images of "${name}": write an integer from 1 to ${n}`);
  }
  const order = keyedOrder(ids, rng(seed, "choose", name));
  return { chosen: order.slice(0, count).sort((a, b) => a - b), others: order.slice(count) };
}
