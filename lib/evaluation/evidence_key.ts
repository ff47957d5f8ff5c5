import type { EvidenceRow } from "../core/mod.ts";

/**
 * What a row of evidence is about, as text: two rows of the same key say the same thing twice.
 *
 * @param row Network, attack, radius and image.
 * @returns The key.
 */
export function evidenceKey(row: Pick<EvidenceRow, "method" | "attack" | "eps" | "image">): string {
  return JSON.stringify([row.method, row.attack, row.eps, row.image]);
}
