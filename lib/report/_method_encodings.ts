import { DataError } from "../core/mod.ts";
import { in255 } from "./_accuracy.ts";
import { legendColumns } from "./_labels.ts";
import { labelOf, methodStyles } from "./theme.ts";

/** Colours and shapes of methods with a legend above, for a figure of a line per method over the radius. */
export function methodEncodings(rows: readonly { readonly method: string }[], width: number) {
  const styles = methodStyles(rows.map((row) => row.method));
  const labels = [...styles.keys()].map(labelOf);
  const styled = [...styles.values()];
  const color = {
    field: "method",
    type: "nominal" as const,
    scale: { domain: labels, range: styled.map((style) => style.color) },
    legend: { orient: "top" as const, direction: "horizontal" as const, columns: legendColumns(labels, width - 40) },
  };
  return { labels, color, shape: { ...color, scale: { domain: labels, range: styled.map((style) => style.shape) } } };
}

/**
 * Points of rows, by method in the order of the legend and by radius.
 *
 * @throws {DataError} If a method has two rows at a radius.
 */
export function pointsByMethod<R extends { readonly method: string; readonly eps: string }, P extends object>(
  rows: readonly R[],
  labels: readonly string[],
  pointOf: (row: R) => P,
): (P & { readonly method: string; readonly eps: number })[] {
  const seen = new Set<string>();
  return rows.map((row) => {
    const eps = in255(row.eps);
    const key = `${row.method} ${eps}`;
    if (seen.has(key)) {
      throw new DataError(`Cannot draw "${row.method}" as eps ${row.eps} is there twice: keep one row of each`);
    }
    seen.add(key);
    return { method: labelOf(row.method), eps, ...pointOf(row) };
  }).sort((a, b) => labels.indexOf(a.method) - labels.indexOf(b.method) || a.eps - b.eps);
}
