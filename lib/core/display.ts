/** Key of the method that Deno's notebook kernel calls to show a value. */
export const DISPLAY: unique symbol = Symbol.for("Jupyter.display") as never;

/** Content by MIME type; a viewer takes the richest that it knows. */
export type DisplayBundle = Readonly<Record<string, unknown>>;

/** A value that a notebook shows where it is the last expression of a cell. */
export interface Displayable {
  /** Makes what is shown. */
  readonly [DISPLAY]: () => Promise<DisplayBundle>;
}

/**
 * Lets an object show itself in a notebook. The method cannot be enumerated: JSON, copies, comparisons and printing do
 * not see it, and nothing is made before a notebook asks.
 *
 * @param value The object; it is given the method.
 * @param show Makes what is shown.
 * @returns The same object.
 */
export function withDisplay<T extends object>(
  value: T,
  show: () => DisplayBundle | Promise<DisplayBundle>,
): T & Displayable {
  return Object.defineProperty(value, DISPLAY, { value: async () => await show(), configurable: true }) as
    & T
    & Displayable;
}
