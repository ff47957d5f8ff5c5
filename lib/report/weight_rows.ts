import type { EvaluationRow, WeightRow } from "../core/mod.ts";

/**
 * Finds the rows of a sweep over the weight of a term, by the names that a sweep gives its networks: those of
 * "kdiga-weight-4" are of "kdiga" at 4.
 *
 * @param rows Rows of `evaluation.csv`, or means over seeds.
 * @param own Weights of the networks that a sweep did not rename, by their names: `{ kdiga: 16 }`.
 * @returns The rows of methods of which there is a network of another weight, under the method's own name.
 */
export function weightRows(
  rows: readonly EvaluationRow[],
  own: Readonly<Record<string, number>> = {},
): WeightRow[] {
  const swept = rows.flatMap((row): WeightRow[] => {
    const [, method, text] = row.method.match(/^(.+)-weight-(\d[\d.e-]*)$/) ?? [];
    const weight = Number(text);
    return method === undefined || Number.isNaN(weight) ? [] : [{ ...row, method, weight }];
  });
  const unnamed = rows.flatMap((row): WeightRow[] => {
    const weight = Object.hasOwn(own, row.method) ? own[row.method]! : undefined;
    const others = swept.filter(({ method }) => method === row.method);
    // A sweep that names the base's own weight too has it twice.
    if (weight === undefined || others.length === 0 || others.some((other) => other.weight === weight)) return [];
    return [{ ...row, weight }];
  });
  return [...unnamed, ...swept];
}
