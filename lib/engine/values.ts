import type { NdArray } from "../core/mod.ts";
import type { Engine, Leaf, Value } from "./engine.ts";
import { flatten, isLeaf, isValue, mapTree } from "./tree.ts";

/** A tree of leaves with every leaf replaced by `R`. */
export type MapLeaves<T, R> = T extends { readonly dtype: string; readonly shape: readonly number[] } ? R
  : T extends undefined ? undefined
  : { [K in keyof T]: MapLeaves<T[K], R> };

/** Puts every array of a tree on the engine; values are passed through. The caller owns the new values. */
export function putTree<T>(engine: Engine, tree: T): MapLeaves<T, Value> {
  const put = (leaf: Leaf): Value => isValue(leaf) ? leaf : engine.put(leaf as NdArray);
  return mapTree(tree, isLeaf, put) as MapLeaves<T, Value>;
}

/** Reads every value of a tree into memory; the values stay on the engine. */
export async function readTree<T>(engine: Pick<Engine, "read">, tree: T): Promise<MapLeaves<T, NdArray>> {
  const leaves = flatten(tree, isLeaf);
  const arrays = await Promise.all(leaves.map(([, leaf]) => engine.read(leaf)));
  let next = 0;
  return mapTree(tree, isLeaf, () => arrays[next++]) as MapLeaves<T, NdArray>;
}

/** Reads every value of a tree into memory and disposes of it. */
export async function takeTree<T>(engine: Pick<Engine, "read">, tree: T): Promise<MapLeaves<T, NdArray>> {
  const arrays = await readTree(engine, tree);
  disposeTree(tree);
  return arrays;
}

/** Disposes of every value of a tree; arrays are left alone. */
export function disposeTree(tree: unknown): void {
  for (const [, leaf] of flatten(tree, isLeaf)) if (isValue(leaf)) leaf.dispose();
}
