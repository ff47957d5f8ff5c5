import { type EvaluationRow, type EvidenceRow, parseEps, wilson } from "../core/mod.ts";
import { checkOnce, type Outcome, outcomesByAttack } from "./_outcomes.ts";

/**
 * Counts evidence: accuracy with its 95 % Wilson interval for each network, attack and radius, and for each radius that
 * was attacked the row "worst": an image counts as correct if neither it nor any attack at that radius was a success.
 *
 * Where an evaluation is not finished, "worst" is over the images that every attack has reached, so that a missing
 * attack cannot pass for a failed one.
 *
 * @param rows Evidence of any number of networks; at "worst", of attacks of one threat model.
 * @returns Rows in the order of networks, then attacks (clean first, worst last), then radii.
 * @throws {DataError} If there are two rows for one network, attack, radius and image.
 */
export function summarize(rows: readonly EvidenceRow[]): EvaluationRow[] {
  checkOnce(rows);
  return [...Map.groupBy(rows, (row) => row.method)].flatMap(([method, ofMethod]) =>
    [...outcomesByAttack(ofMethod)].flatMap(([attack, outcomes]) => count(method, attack, outcomes))
  );
}

function count(method: string, attack: string, outcomes: readonly Outcome[]): EvaluationRow[] {
  const byEps = [...Map.groupBy(outcomes, (outcome) => outcome.eps)].sort(([a], [b]) =>
    parseEps(a, Infinity) - parseEps(b, Infinity)
  );
  return byEps.map(([eps, group]) => {
    const correct = group.filter(({ success }) => success === 0).length;
    return { method, attack, eps, n: group.length, correct, ...wilson(correct, group.length) };
  });
}
