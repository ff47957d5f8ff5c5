import { DataError, type EvidenceRow } from "../core/mod.ts";
import { evidenceKey } from "./evidence_key.ts";

/** What is counted of a row. */
export type Outcome = Pick<EvidenceRow, "eps" | "image" | "label" | "success">;

/** The worst outcome of each image at each radius, of the images that all attacks of that radius have reached. */
function worst(clean: readonly EvidenceRow[], attacked: readonly EvidenceRow[]): Outcome[] {
  return [...Map.groupBy(attacked, (row) => row.eps)].flatMap(([eps, atEps]) => {
    const sources = new Set([...clean, ...atEps].map((row) => row.attack)).size;
    const byImage = Map.groupBy([...clean, ...atEps], (row) => row.image);
    return [...byImage.values()].filter((ofImage) => ofImage.length === sources)
      .map((ofImage): Outcome => {
        const { image, label } = ofImage[0]!;
        return { eps, image, label, success: ofImage.some((row) => row.success === 1) ? 1 : 0 };
      });
  });
}

/** Outcomes of one network under every attack that it was evaluated under, in order: clean, attacks, worst. */
export function outcomesByAttack(rows: readonly EvidenceRow[]): Map<string, readonly Outcome[]> {
  const byAttack = Map.groupBy(rows, (row) => row.attack);
  const clean = byAttack.get("clean") ?? [];
  const attacked = rows.filter((row) => row.attack !== "clean");
  return new Map<string, readonly Outcome[]>([
    ["clean", clean],
    ...[...byAttack].filter(([attack]) => attack !== "clean"),
    ["worst", worst(clean, attacked)],
  ]);
}

/** Refuses two rows for one network, attack, radius and image. */
export function checkOnce(rows: readonly EvidenceRow[]): void {
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
