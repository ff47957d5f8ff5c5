import { type ClassRow, type EvidenceRow, wilson } from "../core/mod.ts";

/** Accuracy class by class, as the evaluation's `summarizeClasses` counts it, but for the worst case. */
export function classRows(rows: readonly EvidenceRow[]): ClassRow[] {
  const groups = Map.groupBy(rows, ({ method, attack, eps, label }) => JSON.stringify([method, attack, eps, label]));
  return [...groups.values()].map((group) => {
    const { method, attack, eps, label } = group[0]!;
    const correct = group.filter(({ success }) => success === 0).length;
    return { method, attack, eps, label, n: group.length, correct, ...wilson(correct, group.length) };
  });
}
