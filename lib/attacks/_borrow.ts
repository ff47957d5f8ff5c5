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

/**
 * Calls a function with every array of a tree put on the engine, and takes those back afterwards; what was a value
 * already stays its owner's.
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
  const values = putTree(engine, tree);
  try {
    return await use(values);
  } finally {
    const given = flatten(tree, isLeaf);
    disposeTree(flatten(values, isLeaf).map(([, leaf]) => leaf).filter((_, i) => !isValue(given[i]![1])));
  }
}
