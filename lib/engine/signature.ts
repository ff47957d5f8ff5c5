import type { Leaf } from "./engine.ts";
import { isLeaf } from "./tree.ts";

/** A plain value in the input of a program: the traced function sees it as it is, and another one is traced anew. */
export type Static = number | string | boolean;

/** Whether a node is a plain value. */
export function isStatic(node: unknown): node is Static {
  return typeof node === "number" || typeof node === "string" || typeof node === "boolean";
}

/** Whether a node is one that a program takes: an array, a value or a plain value. */
export function isInput(node: unknown): node is Leaf | Static {
  return isStatic(node) || isLeaf(node);
}

/**
 * What the traced function of a program depends on: the form of its input, shapes and dtypes, and plain values. Two
 * inputs with the same signature can be run by the same graph.
 *
 * @param inputs A tree of arrays, values and plain values.
 * @returns The signature, "x:float32[2] options:{steps:3,norm:"Linf"}".
 */
export function signatureOf(inputs: unknown): string {
  if (isInput(inputs) || Array.isArray(inputs)) return write(inputs);
  return entriesOf(inputs).join(" ");
}

function write(node: unknown): string {
  if (isLeaf(node)) return `${node.dtype}[${node.shape}]`;
  if (typeof node === "string") return JSON.stringify(node);
  if (Object.is(node, -0)) return "-0";
  if (Array.isArray(node)) return `[${node.map(write)}]`;
  return typeof node === "object" ? `{${entriesOf(node)}}` : String(node);
}

function entriesOf(node: unknown): string[] {
  const entries = Object.entries(node as object).filter(([, child]) => child !== undefined);
  return entries.map(([key, child]) => `${/^[\w.]+$/.test(key) ? key : JSON.stringify(key)}:${write(child)}`);
}
