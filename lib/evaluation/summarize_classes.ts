import { type ClassRow, type EvidenceRow, parseEps, wilson } from "../core/mod.ts";
import { checkOnce, outcomesByAttack } from "./_outcomes.ts";

/**
 * Counts evidence class by class: what {@linkcode summarize} gives, over the images of one true class each. A rate over
 * all images can hide a class that does not hold at all.
 *
 * @param rows Evidence, as for `summarize`.
 * @returns Rows in the order of networks, attacks (clean first, worst last), radii and classes.
 * @throws {DataError} If there are two rows for one network, attack, radius and image.
 */
export function summarizeClasses(rows: readonly EvidenceRow[]): ClassRow[] {
  checkOnce(rows);
  return [...Map.groupBy(rows, (row) => row.method)].flatMap(([method, ofMethod]) =>
    [...outcomesByAttack(ofMethod)].flatMap(([attack, outcomes]) =>
      [...Map.groupBy(outcomes, ({ eps, label }) => `${eps} ${label}`).values()]
        .map((group): ClassRow => {
          const { eps, label } = group[0]!;
          const n = group.length;
          const correct = group.filter(({ success }) => success === 0).length;
          return { method, attack, eps, label, n, correct, ...wilson(correct, n) };
        })
        .sort((a, b) => parseEps(a.eps, Infinity) - parseEps(b.eps, Infinity) || a.label - b.label)
    )
  );
}
