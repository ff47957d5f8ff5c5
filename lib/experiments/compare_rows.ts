import type { EvaluationRow } from "../core/mod.ts";

/** How a reproduced row stands to the stored one. */
export type Verdict = "same bits" | "within interval" | "different";

/** One row, reproduced. */
export interface ComparedRow {
  /** Name of the network. */
  readonly method: string;
  /** Attack, as in {@linkcode EvaluationRow}. */
  readonly attack: string;
  /** Radius in pixel units as text. */
  readonly eps: string;
  /** The stored rate; undefined where there is no such row. */
  readonly stored: number | undefined;
  /** The rate that was found; undefined where there is no such row. */
  readonly found: number | undefined;
  /** How they stand to each other. */
  readonly verdict: Verdict;
}

/**
 * Compares reproduced rows with stored ones, each by its method, attack and radius: all of a row is the same, or its rate
 * lies within the stored 95 % interval and is of as many images, or neither, as where one of the two is missing.
 *
 * @param stored Rows of the repository.
 * @param found Rows that were made again.
 * @returns A row for each of either, in the order of the stored ones.
 */
export function compareRows(stored: readonly EvaluationRow[], found: readonly EvaluationRow[]): ComparedRow[] {
  const keyOf = ({ method, attack, eps }: EvaluationRow) => JSON.stringify([method, attack, eps]);
  const [before, after] = [stored, found].map((rows) => new Map(rows.map((row) => [keyOf(row), row])));
  return [...new Set([...before!.keys(), ...after!.keys()])].map((key) => {
    const [a, b] = [before!.get(key), after!.get(key)];
    const { method, attack, eps } = (a ?? b)!;
    return { method, attack, eps, stored: a?.rate, found: b?.rate, verdict: verdictOf(a, b) };
  });
}

function verdictOf(stored: EvaluationRow | undefined, found: EvaluationRow | undefined): Verdict {
  if (stored === undefined || found === undefined || stored.n !== found.n) return "different";
  const { correct, rate, low, high } = stored;
  if (correct === found.correct && rate === found.rate && low === found.low && high === found.high) return "same bits";
  return found.rate >= low && found.rate <= high ? "within interval" : "different";
}
