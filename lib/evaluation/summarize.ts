import { DataError, type EvaluationRow, type EvidenceRow, parseEps, wilson } from "../core/mod.ts";
import { evidenceKey } from "./evidence_key.ts";

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
  return [...Map.groupBy(rows, (row) => row.method)].flatMap(([method, ofMethod]) => {
    const byAttack = Map.groupBy(ofMethod, (row) => row.attack);
    const clean = byAttack.get("clean") ?? [];
    const attacked = ofMethod.filter((row) => row.attack !== "clean");
    const names = [...byAttack.keys()].filter((attack) => attack !== "clean");
    return [
      ...count(method, "clean", clean),
      ...names.flatMap((attack) => count(method, attack, byAttack.get(attack)!)),
      ...count(method, "worst", worst(clean, attacked)),
    ];
  });
}

/** What is counted of a row. */
type Outcome = Pick<EvidenceRow, "eps" | "success">;

function count(method: string, attack: string, outcomes: readonly Outcome[]): EvaluationRow[] {
  const byEps = [...Map.groupBy(outcomes, (outcome) => outcome.eps)].sort(([a], [b]) =>
    parseEps(a, Infinity) - parseEps(b, Infinity)
  );
  return byEps.map(([eps, group]) => {
    const correct = group.filter(({ success }) => success === 0).length;
    return { method, attack, eps, n: group.length, correct, ...wilson(correct, group.length) };
  });
}

/** The worst outcome of each image at each radius, of the images that all attacks of that radius have reached. */
function worst(clean: readonly EvidenceRow[], attacked: readonly EvidenceRow[]): Outcome[] {
  return [...Map.groupBy(attacked, (row) => row.eps)].flatMap(([eps, atEps]) => {
    const sources = new Set([...clean, ...atEps].map((row) => row.attack)).size;
    const byImage = Map.groupBy([...clean, ...atEps], (row) => row.image);
    return [...byImage.values()].filter((ofImage) => ofImage.length === sources)
      .map((ofImage): Outcome => ({ eps, success: ofImage.some((row) => row.success === 1) ? 1 : 0 }));
  });
}

function checkOnce(rows: readonly EvidenceRow[]): void {
  const seen = new Set<string>();
  for (const row of rows) {
    const key = evidenceKey(row);
    if (seen.has(key)) {
      throw new DataError(
        `Cannot summarize the evidence as image ${row.image} of "${row.method}" stands twice under "${row.attack}" ` +
          `at eps ${row.eps}: remove one of the rows`,
      );
    }
    seen.add(key);
  }
}
