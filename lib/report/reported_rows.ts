import { type EvaluationRow, parseEps, type ReportedRow } from "../core/mod.ts";
import type { ReferenceCard } from "./reference_card.ts";

/**
 * Puts what cards claim of networks beside what was found of the networks of the same names: without attack, and at the
 * card's radius under AutoAttack, or where that was not run in the worst case of the attacks that were.
 *
 * @param cards Cards, such as {@linkcode parseReferenceCard} reads.
 * @param rows Rows of `evaluation.csv`.
 * @returns A row for each pair that is there.
 */
export function reportedRows(cards: readonly ReferenceCard[], rows: readonly EvaluationRow[]): ReportedRow[] {
  return cards.flatMap((card) => {
    const own = rows.filter(({ method }) => method === card.name);
    const radius = parseEps(card.eps, Infinity);
    const attacked = own.filter(({ eps }) => parseEps(eps, Infinity) === radius);
    const found = [
      [card.clean, own.find(({ attack }) => attack === "clean")],
      [
        card.robust,
        attacked.find(({ attack }) => /^autoattack(-l[12])?$/.test(attack)) ??
          attacked.find(({ attack }) => attack === "worst"),
      ],
    ] as const;
    return found.flatMap(([percent, row]): ReportedRow[] => {
      if (row === undefined) return [];
      const { attack, n, rate, low, high } = row;
      return [{ name: card.name, attack, reported: percent / 100, n, rate, low, high }];
    });
  });
}
