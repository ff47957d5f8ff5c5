import { tf } from "./tensorflow.ts";
import type { Tensor } from "./tensorflow.ts";
import type { Leaf, Value } from "./engine.ts";

/** The type of a tree of tensors with every tensor replaced by `L`. */
export type MapTensors<T, L> = T extends Tensor ? L
  : T extends undefined ? undefined
  : { [K in keyof T]: MapTensors<T[K], L> };

/**
 * Lists the leaves of a tree (nested arrays and plain objects) with their paths, in the order of the keys.
 *
 * @param tree The tree; undefined entries are skipped.
 * @param isLeaf Tells a leaf from a branch.
 * @returns Pairs of path ("batch.x", "terms.0") and leaf.
 * @throws {TypeError} If something that is neither leaf nor branch is met; it names the path.
 */
export function flatten<L>(tree: unknown, isLeaf: (node: unknown) => node is L): [path: string, leaf: L][] {
  const found: [string, L][] = [];
  const visit = (node: unknown, path: string): void => {
    if (node === undefined) return;
    if (isLeaf(node)) found.push([path, node]);
    else if (isBranch(node)) {
      for (const [key, child] of Object.entries(node)) visit(child, path ? `${path}.${key}` : key);
    } else throw new TypeError(`Cannot use ${describe(node)} at "${path}" as a leaf of a tree of tensors or arrays`);
  };
  visit(tree, "");
  return found;
}

/**
 * Builds a tree of the same form with other leaves.
 *
 * @param tree The model tree.
 * @param isLeaf Tells a leaf from a branch.
 * @param map What to put in place of each leaf; called in the order of {@linkcode flatten}.
 * @returns The new tree.
 */
export function mapTree<L, R>(
  tree: unknown,
  isLeaf: (node: unknown) => node is L,
  map: (leaf: L, path: string) => R,
): unknown {
  const visit = (node: unknown, path: string): unknown => {
    if (node === undefined) return undefined;
    if (isLeaf(node)) return map(node, path);
    if (!isBranch(node)) {
      throw new TypeError(`Cannot use ${describe(node)} at "${path}" as a leaf of a tree of tensors or arrays`);
    }
    const down = ([key, child]: [string, unknown]) => [key, visit(child, path ? `${path}.${key}` : key)] as const;
    return Array.isArray(node)
      ? node.map((child, index) => visit(child, path ? `${path}.${index}` : String(index)))
      : Object.fromEntries(Object.entries(node).map(down));
  };
  return visit(tree, "");
}

/** Whether a node is a tensor. */
export function isTensor(node: unknown): node is Tensor {
  return node instanceof tf.Tensor;
}

/** Whether a node is an array or a value: what a program takes. */
export function isLeaf(node: unknown): node is Leaf {
  return typeof node === "object" && node !== null && "dtype" in node && "shape" in node;
}

/** Whether a node is a value that lives on an engine. */
export function isValue(node: unknown): node is Value {
  return isLeaf(node) && "dispose" in node;
}

function isBranch(node: unknown): node is Record<string, unknown> | unknown[] {
  if (Array.isArray(node)) return true;
  return typeof node === "object" && node !== null && Object.getPrototypeOf(node) === Object.prototype;
}

function describe(node: unknown): string {
  if (typeof node === "object" && node !== null) return `a ${node.constructor?.name ?? "null-prototype object"}`;
  return `${typeof node} ${String(node)}`;
}
