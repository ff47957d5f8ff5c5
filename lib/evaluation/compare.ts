import { type EvidenceRow, mcnemar, pairedDifference, type PairedRow, parseEps, UsageError } from "../core/mod.ts";
import { checkOnce, outcomesByAttack } from "./_outcomes.ts";

/**
 * Compares two networks on the images that both were evaluated on, under every attack and radius that both have, and
 * "worst" as {@linkcode summarize} counts it. As the same images are hard for both, this sees differences that two
 * intervals beside each other do not: the images on which one of them is right and the other is not.
 *
 * The p-values are those of single comparisons; over many attacks and radii some fall below 0.05 by chance.
 *
 * @param rows Evidence, with rows of both.
 * @param method Name of the first network.
 * @param other Name of the second network.
 * @returns Rows in the order of the first network's attacks (clean first, worst last), then radii.
 * @throws {UsageError} If they have no image under one attack and radius in common.
 * @throws {DataError} If there are two rows for one network, attack, radius and image.
 */
export function compare(rows: readonly EvidenceRow[], method: string, other: string): PairedRow[] {
  checkOnce(rows);
  const of = (name: string) => outcomesByAttack(rows.filter((row) => row.method === name));
  const second = new Map(
    [...of(other)].flatMap(([attack, outcomes]) =>
      outcomes.map(({ eps, image, success }) => [JSON.stringify([attack, eps, image]), success] as const)
    ),
  );
  const paired = [...of(method)].flatMap(([attack, outcomes]) =>
    [...Map.groupBy(outcomes, ({ eps }) => eps)]
      .sort(([a], [b]) => parseEps(a, Infinity) - parseEps(b, Infinity))
      .flatMap(([eps, group]): PairedRow[] => {
        const pairs = group.flatMap(({ image, success }) => {
          const its = second.get(JSON.stringify([attack, eps, image]));
          return its === undefined ? [] : [`${success}${its}`];
        });
        if (pairs.length === 0) return [];
        const count = (pair: string): number => pairs.filter((found) => found === pair).length;
        const counts = { both: count("00"), onlyFirst: count("01"), onlySecond: count("10"), neither: count("11") };
        const p = mcnemar(counts.onlyFirst, counts.onlySecond);
        return [{ method, other, attack, eps, n: pairs.length, ...counts, ...pairedDifference(counts), p }];
      })
  );
  if (paired.length === 0) {
    throw new UsageError(
      `Cannot compare "${method}" with "${other}" as there is no image on which both were evaluated under one attack ` +
        "and radius: evaluate both in the same way",
    );
  }
  return paired;
}
