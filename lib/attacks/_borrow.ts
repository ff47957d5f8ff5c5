import {
  disposeTree,
  type Engine,
  flatten,
  isLeaf,
  isValue,
  type MapLeaves,
  putTree,
  type Value,
} from "../engine/mod.ts";

/** Values that are on the engine for a while. */
export interface Borrowed<T> {
  readonly values: MapLeaves<T, Value>;
  /** Takes back those that were put there. */
  readonly giveBack: () => void;
}

/**
 * Puts every array of a tree on the engine; what was a value already stays its owner's.
 *
 * @param engine Where the values live.
 * @param tree Arrays and values.
 * @returns The values, to be given back.
 */
export function lend<T>(engine: Engine, tree: T): Borrowed<T> {
  const values = putTree(engine, tree);
  const given = flatten(tree, isLeaf);
  const mine = flatten(values, isLeaf).map(([, leaf]) => leaf).filter((_, i) => !isValue(given[i]![1]));
  return { values, giveBack: () => disposeTree(mine) };
}

/**
 * Calls a function with every array of a tree put on the engine, and takes those back afterwards.
 *
 * @param engine Where the values live.
 * @param tree Arrays and values.
 * @param use What to do with them.
 * @returns What `use` returns.
 */
export async function borrow<T, R>(
  engine: Engine,
  tree: T,
  use: (values: MapLeaves<T, Value>) => Promise<R>,
): Promise<R> {
  const { values, giveBack } = lend(engine, tree);
  try {
    return await use(values);
  } finally {
    giveBack();
  }
}
